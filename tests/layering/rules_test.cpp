// Each rule, seen to fail on a file that breaks it and to pass one beside it that does not.

#include "tests/layering/rules.hpp"

#include <gmock/gmock.h>

namespace sluice::layering {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct Sample {
    const char* path;
    const char* text;
};

SourceFile read(const Sample& sample) {
    return read_source(sample.path, sample.text);
}

TEST(Arrows, RefuseWhatTheTableDoesNotName) {
    const Sample bad[] = {
        {"engine/base/a.cpp", "#include \"engine/image/digest.hpp\"\n"},
        {"engine/transfer/a.cpp", "#include \"engine/planning/assignment_json.hpp\"\n"},
        {"engine/http/a.hpp", "#include \"engine/net/log.hpp\"\n"},
        {"engine/serving/a.cpp", "#include \"engine/planning/plan.hpp\"\n"},
        {"engine/net/a.cpp", "#include \"agent/worker.hpp\"\n"},
        {"agent/a.cpp", "#include \"sim/world/world.hpp\"\n"},
        {"sim/world/a.cpp", "#include \"acs-plugin/cli/plan.hpp\"\n"},
        {"acs-plugin/cli/a.cpp", "#include \"agent/worker.hpp\"\n"},
        {"agent/a.cpp", "#include \"tests/agent/faulty_disk.hpp\"\n"},
        {"engine/novel/a.cpp", "\n"},
    };
    for (const auto& sample : bad)
        EXPECT_THAT(check_arrows(read(sample)), SizeIs(1)) << sample.path;
}

TEST(Arrows, AllowWhatTheTableNames) {
    const Sample good[] = {
        {"engine/transfer/a.cpp", "#include \"engine/planning/plan.hpp\"\n"},
        {"engine/transfer/a.cpp", "#include \"engine/transfer/events.hpp\"\n"},
        {"engine/planning/a.cpp", "#include \"engine/election/policy.hpp\"\n"},
        {"agent/a.cpp", "#include \"agent/disk/disk.hpp\"\n#include \"engine/net/log.hpp\"\n"},
        {"tests/agent/a.cpp", "#include \"agent/worker.hpp\"\n#include \"sim/world/world.hpp\"\n"},
        {"engine/base/a.cpp", "// #include \"engine/image/digest.hpp\"\n"},
        {"engine/base/a.cpp", "/*\n#include \"engine/image/digest.hpp\"\n*/\n"},
    };
    for (const auto& sample : good)
        EXPECT_THAT(check_arrows(read(sample)), IsEmpty()) << sample.text;
}

TEST(IncludeForm, RefusesWhatIsNotWrittenFromTheRoot) {
    for (const char* bad : {"\"time.hpp\"", "\"../base/time.hpp\"", "\"base/time.hpp\"",
                            "\"engine/image/../base/time.hpp\""}) {
        const auto text = "#include " + std::string(bad) + "\n";
        EXPECT_THAT(check_include_form(read({"engine/image/a.cpp", text.c_str()})), SizeIs(1))
            << bad;
    }
    EXPECT_THAT(check_include_form(read({"agent/a.cpp", "#include \"engine/base/time.hpp\"\n"})),
                IsEmpty());
}

TEST(Purity, RefusesHeadersOfTheWorldInTheEngine) {
    for (const char* bad :
         {"fstream", "iostream", "thread", "mutex", "atomic", "random", "filesystem", "unistd.h",
          "sys/socket.h", "time.h", "ctime", "cstdlib", "future", "condition_variable",
          "boost/asio/io_context.hpp", "spdlog/spdlog.h", "cryptopp/osrng.h", "openssl/ssl.h"}) {
        const auto text = "#include <" + std::string(bad) + ">\n";
        EXPECT_THAT(check_purity(read({"engine/transfer/a.cpp", text.c_str()})), SizeIs(1)) << bad;
        EXPECT_THAT(check_purity(read({"engine/net/a.cpp", text.c_str()})), IsEmpty()) << bad;
        EXPECT_THAT(check_purity(read({"agent/a.cpp", text.c_str()})), IsEmpty()) << bad;
    }
}

TEST(Purity, RefusesWordsOfTheWorldInTheEngine) {
    for (const char* bad :
         {"auto t = std::chrono::steady_clock::now();", "using clock = std::chrono::system_clock;",
          "std::random_device seed;", "std::thread worker;", "std::mutex m;", "std::atomic<int> n;",
          "std::ofstream out(path);", "std::cerr << 1;", "printf(text);", "std::fopen(name, mode);",
          "std::getenv(name);", "throw Error{};", "try {", "thread_local int n;",
          "std::time(nullptr);"})
        EXPECT_THAT(check_purity(read({"engine/image/a.cpp", bad})), SizeIs(1)) << bad;
}

TEST(Purity, ReadsCodeAndNotProse) {
    const Sample good[] = {
        {"engine/image/a.cpp", "// the steady_clock is the shell's; never throw\n"},
        {"engine/image/a.cpp", "const char* s = \"try std::thread\";\n"},
        {"engine/image/a.cpp", "/* throw\n throw */ int retry_at = 1'000;\n"},
        {"engine/image/a.cpp", "auto s = R\"(throw \"x\" )\"; char c = '\"'; int entry = 0;\n"},
        {"engine/image/a.cpp", "#include <chrono>\n#include <vector>\n#include <cryptopp/sha.h>\n"},
    };
    for (const auto& sample : good)
        EXPECT_THAT(check_purity(read(sample)), IsEmpty()) << sample.text;
}

TEST(Purity, LetsExceptionsStopWhereRapidXmlThrowsThem) {
    const Sample border{"engine/cwmp/a.cpp",
                        "#include <rapidxml/rapidxml.hpp>\nvoid f() { try {} catch (...) {} }\n"};
    EXPECT_THAT(check_purity(read(border)), IsEmpty());
}

TEST(HeavyHeaders, StayInTheSourcesOfTheirOwners) {
    const Sample bad[] = {
        {"engine/net/a.hpp", "#include <boost/beast/http.hpp>\n"},
        {"agent/a.cpp", "#include <boost/beast/http.hpp>\n"},
        {"agent/a.hpp", "#include <boost/asio.hpp>\n"},
        {"acs-plugin/service/a.cpp", "#include <libpq-fe.h>\n"},
        {"agent/a.cpp", "#include <toml++/toml.h>\n"},
        {"agent/a.cpp", "#include <CLI/CLI.hpp>\n"},
        {"engine/image/a.hpp", "#include <nlohmann/json.hpp>\n"},
        {"engine/image/a.hpp", "#include <cryptopp/sha.h>\n"},
        {"engine/net/a.hpp", "#include <spdlog/spdlog.h>\n"},
        {"tests/image/a.hpp", "#include <libtorrent/create_torrent.hpp>\n"},
    };
    for (const auto& sample : bad)
        EXPECT_THAT(check_heavy_headers(read(sample)), SizeIs(1)) << sample.path << sample.text;

    const Sample good[] = {
        {"engine/net/a.cpp", "#include <boost/beast/http.hpp>\n#include <toml++/toml.h>\n"},
        {"engine/net/a.hpp", "#include <boost/asio/ip/tcp.hpp>\n"},
        {"agent/a.cpp", "#include <boost/asio/io_context.hpp>\n"},
        {"engine/image/a.hpp", "#include <nlohmann/json_fwd.hpp>\n"},
        {"tests/image/a.cpp", "#include <libtorrent/create_torrent.hpp>\n"},
    };
    for (const auto& sample : good)
        EXPECT_THAT(check_heavy_headers(read(sample)), IsEmpty()) << sample.path << sample.text;
}

TEST(DurableWrites, GoThroughAgentDiskAlone) {
    for (const char* bad : {"::pwrite(fd, p, n, 0);", "::fsync(fd);", "::rename(a, b);",
                            "std::rename(a, b);", "::write(fd, p, n);", "#include <fstream>"}) {
        EXPECT_THAT(check_durable_writes(read({"agent/a.cpp", bad})), SizeIs(1)) << bad;
        EXPECT_THAT(check_durable_writes(read({"agent/disk/a.cpp", bad})), IsEmpty()) << bad;
    }
    for (const char* good : {"disk.fsync(file);", "store->write(piece);", "disk::write(f, b);",
                             "Result<void> BootRecord::write(const State& s) {"})
        EXPECT_THAT(check_durable_writes(read({"agent/a.cpp", good})), IsEmpty()) << good;
}

TEST(Randomness, IsOurOwn) {
    for (const char* bad : {"std::shuffle(a, b, g);", "std::uniform_int_distribution<int> d;",
                            "std::mt19937_64 g(1);"}) {
        EXPECT_THAT(check_randomness(read({"sim/world/a.cpp", bad})), SizeIs(1)) << bad;
        EXPECT_THAT(check_randomness(read({"tests/world/a.cpp", bad})), IsEmpty()) << bad;
    }
}

TEST(Namespace, IsTheFolder) {
    const Sample bad[] = {
        {"engine/image/a.cpp", "namespace sluice {\n}\n"},
        {"agent/disk/a.cpp", "namespace sluice::agent {\n}\n"},
        {"acs-plugin/cli/a.cpp", "namespace sluice::acs {\n}\n"},
    };
    for (const auto& sample : bad)
        EXPECT_THAT(check_namespace(read(sample)), SizeIs(1)) << sample.path;

    const Sample good[] = {
        {"engine/base/a.cpp", "namespace sluice {\n}\n"},
        {"engine/image/a.cpp", "namespace sluice::image {\n}\n"},
        {"agent/a.cpp", "namespace sluice::agent {\n}\n"},
        {"agent/disk/a.cpp", "namespace sluice::agent::disk {\n}\n"},
        {"acs-plugin/cli/a.cpp", "namespace sluice::cli {\n}\n"},
        {"sim/world/a.cpp", "namespace sluice::sim {\n}\n"},
        {"agent/main.cpp", "int main() {}\n"},
    };
    for (const auto& sample : good)
        EXPECT_THAT(check_namespace(read(sample)), IsEmpty()) << sample.path;
}

TEST(PragmaOnce, IsInEveryHeader) {
    EXPECT_THAT(check_pragma_once(read({"engine/base/a.hpp", "// #pragma once\n"})), SizeIs(1));
    EXPECT_THAT(check_pragma_once(read({"engine/base/a.hpp", "#pragma once\n"})), IsEmpty());
    EXPECT_THAT(check_pragma_once(read({"engine/base/a.cpp", "\n"})), IsEmpty());
}

TEST(Names, SayWhatTheyHold) {
    for (const char* bad : {"engine/utils/a.cpp", "agent/http_helpers.cpp", "sim/common.hpp",
                            "agent/store_manager.cpp", "tests/lab/helper.py"})
        EXPECT_THAT(check_name(bad), SizeIs(1)) << bad;
    for (const char* good : {"engine/base/bytes.cpp", "agent/commonplace.cpp"})
        EXPECT_THAT(check_name(good), IsEmpty()) << good;
}

TEST(Unfinished, NamesTheLine) {
    const auto mark = std::string("TO") + "DO";
    EXPECT_THAT(check_unfinished("a.cpp", "int x;\n// " + mark + " later\n"),
                ElementsAre(Field(&Finding::where, "a.cpp:2")));
    EXPECT_THAT(check_unfinished("a.cpp", "int todo_list;\n"), IsEmpty());
}

TEST(Size, HasALimit) {
    const std::string long_text(kHardLineLimit + 1, '\n');
    EXPECT_THAT(check_size(read({"agent/a.cpp", long_text.c_str()})),
                ElementsAre(Field(&Finding::what, HasSubstr("601 lines"))));
    EXPECT_THAT(check_size(read({"agent/a.cpp", long_text.c_str() + 1})), IsEmpty());
}

TEST(Check, RunsEveryRule) {
    const auto file = read({"engine/http/utils.hpp",
                            "#include <thread>\n"
                            "#include <boost/beast/http.hpp>\n"
                            "#include \"engine/net/log.hpp\"\n"
                            "#include \"log.hpp\"\n"
                            "std::mt19937 g;\n"});
    std::string all;
    for (const auto& finding : check(file)) all += finding.text() + "\n";
    for (const char* part : {"may not include engine/net/log.hpp", "not from the root",
                             "<thread>: the engine is pure", "Beast in a header", "std::mt19937",
                             "no namespace sluice::http", "#pragma once", "'utils'"})
        EXPECT_THAT(all, HasSubstr(part));
}

}  // namespace
}  // namespace sluice::layering
