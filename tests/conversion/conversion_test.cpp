#include "acs-plugin/conversion/conversion.hpp"

#include <future>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

#include "acs-plugin/conversion/workshop.hpp"

namespace sluice::conversion {
namespace {

TEST(Conversions, AreChosenByTheFirstThatFitsBothVersions) {
    const auto all = parse_conversions(
        R"([{"from": "1.*", "to": "2.*", "program": "a"}, {"from": "*", "to": "*.9", "program": "b"},
            {"from": "*", "to": "3", "device_program": "c"}])");
    ASSERT_TRUE(all.has_value()) << all.error().message;
    const auto chosen = [&](std::string_view from, std::string_view to) {
        const auto* one = conversion_for(all.value(), from, to);
        return one == nullptr ? std::string("none") : one->program + one->device_program;
    };
    EXPECT_EQ(chosen("1.4", "2.0"), "a");
    EXPECT_EQ(chosen("1.4", "2.9"), "a");
    EXPECT_EQ(chosen("2.0", "2.9"), "b");
    EXPECT_EQ(chosen("2.0", "3"), "c");
    EXPECT_EQ(chosen("2.0", "4"), "none");
}

TEST(Rules, RenameDropMapAndFillIn) {
    Rules rules;
    rules.rename = {{"port", "sip-port"}};
    rules.drop = {"debug"};
    rules.defaults = {{"codec", "g711"}, {"users", "1"}};
    rules.map = {{"mode", {{"0", "off"}, {"1", "on"}}}};
    EXPECT_EQ(apply(rules, "# phones\nusers=7\nport=5060\ndebug=1\nmode=1\nname=a=b\n"),
              "# phones\nusers=7\nsip-port=5060\nmode=on\nname=a=b\ncodec=g711\n");
}

struct Bad {
    const char* text;
    const char* says;
};
class BadConversions : public testing::TestWithParam<Bad> {};

TEST_P(BadConversions, AreRefusedByTheirPlace) {
    const auto read = parse_conversions(GetParam().text);
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().message, GetParam().says);
}

INSTANTIATE_TEST_SUITE_P(
    All, BadConversions,
    testing::Values(Bad{"{}", "is not a JSON array"},
                    Bad{R"([{"from": "1"}])", "[0]: from and to are needed"},
                    Bad{R"([{"from": "1", "to": "2"}])",
                        "[0]: one of rules, program and device_program is needed"},
                    Bad{R"([{"from": "1", "to": "2", "rules": {}, "program": "x"}])",
                        "[0]: one of rules, program and device_program is needed"},
                    Bad{R"([{"from": "1", "to": "2", "rule": {}}])",
                        "[0]: unknown key 'rule' (did you mean 'rules'?)"},
                    Bad{R"([{"from": "1", "to": "2", "rules": {"map": {"a": {"b": 1}}}}])",
                        "[0]: rules.map.a.b: is not a text"}));

TEST(Programs, ThatHangPrintTooMuchOrFailSayWhichAndWhy) {
    const auto why = [](const char* program) {
        Conversion by;
        by.program = program;
        const auto done = convert(by, "users=7\n", std::chrono::milliseconds(300));
        return done.has_value() ? done.value() : done.error().message;
    };
    EXPECT_EQ(why("cat"), "users=7\n");
    EXPECT_EQ(why("sleep 60"), "sleep 60: did not end in the time set");
    EXPECT_EQ(why("echo no >&2; exit 3"), "echo no >&2; exit 3: ended with 3: no");
    EXPECT_EQ(why("true"), "true: printed nothing");
    EXPECT_EQ(why("yes").substr(0, 16), "yes: prints more");
}

TEST(Programs, MayEndWithoutReadingWhatTheyAreFed) {
    Conversion by;
    by.program = "exec <&-; echo made";
    const auto done = convert(by, std::string(1'000'000, 'u'), std::chrono::seconds(20));
    EXPECT_EQ(done.has_value() ? done.value() : done.error().message, "made\n");
}

class Workshops : public testing::Test {
protected:
    static Conversion by(const char* program) {
        Conversion out;
        out.program = program;
        return out;
    }
    std::future<std::string> run(const char* program) {
        auto said = std::make_shared<std::promise<std::string>>();
        workshop->run(by(program), "users=7\n", std::chrono::minutes(5),
                      [said](Result<std::string> made) {
                          said->set_value(made.has_value() ? made.value() : made.error().message);
                      });
        return said->get_future();
    }
    std::unique_ptr<Workshop> workshop = std::make_unique<Workshop>(2);
};

TEST_F(Workshops, RunSeveralAtATimeAndNoMore) {
    auto hangs = run("sleep 300");
    EXPECT_EQ(run("cat").get(), "users=7\n") << "beside one that hangs";
    EXPECT_EQ(run("echo no >&2; exit 3").get(), "echo no >&2; exit 3: ended with 3: no")
        << "in the place of the one before";
    auto hangs_too = run("sleep 300");
    EXPECT_EQ(run("cat").get(), "2 conversions are under way");
}

TEST_F(Workshops, KillWhatRunsWhenTheyGoAndTellNothingOfIt) {
    const auto mark = testing::TempDir() + "sluice-deaf-" + std::to_string(getpid());
    const auto program = "exec >&- 2>&-; touch " + mark + "; trap '' TERM; sleep 300";
    auto hangs = run("sleep 300"), deaf = run(program.c_str());
    while (::access(mark.c_str(), F_OK) != 0) std::this_thread::yield();
    std::remove(mark.c_str());
    const auto begin = std::chrono::steady_clock::now();
    workshop.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
    EXPECT_THROW((void)hangs.get(), std::future_error) << "broken: nobody told";
    EXPECT_THROW((void)deaf.get(), std::future_error);
}

}  // namespace
}  // namespace sluice::conversion
