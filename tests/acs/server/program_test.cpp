// sluice-acs as its operator runs it: starts, says where it listens, serves devices, ends by a
// signal, and goes on from its store, killed or not.

#include <csignal>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <spawn.h>
#include <sys/wait.h>

#include "tests/acs/cwmp/endpoint_rig.hpp"
#include "tests/net/tls_client.hpp"

namespace sluice::acs {
namespace {

using cwmp::acs::a_transfer;
using cwmp::acs::an_inform;
using cwmp::acs::body_of;
using cwmp::acs::Cpe;
using cwmp::acs::said;
using ::testing::HasSubstr;

const http::Credentials kCpe{"cpe", "s3cret"};

std::string slurp(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

class AcsProgram : public ::testing::Test {
protected:
    AcsProgram() {
        auto name = testing::TempDir() + "sluice-acs-XXXXXX";
        folder = ::mkdtemp(name.data());
        std::ofstream(path("password")) << kCpe.password;
    }
    ~AcsProgram() override {
        if (pid != 0) stop(SIGKILL);
        std::filesystem::remove_all(folder);
    }
    std::string path(const std::string& name) const { return folder + "/" + name; }

    void spawn(const std::vector<std::string>& more, const std::string& log) {
        std::vector<std::string> words{
            SLUICE_ACS_PROGRAM, "--store",       path("acs.db"),    "--images",    path("images"),
            "--listen",         "127.0.0.1:0",   "--origin-listen", "127.0.0.1:0", "--api-listen",
            "127.0.0.1:0",      "--ready-file",  path("ready"),     "--username",  kCpe.username,
            "--password-file",  path("password")};
        words.insert(words.end(), more.begin(), more.end());
        std::vector<char*> argv;
        for (auto& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 2, path(log).c_str(),
                                         O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ASSERT_EQ(posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ), 0);
        posix_spawn_file_actions_destroy(&actions);
    }
    void start(const std::vector<std::string>& more = {"--insecure-lab"}) {
        std::filesystem::remove(path("ready"));
        spawn(more, "log");
        for (int i = 0; i < 10'000 && !std::filesystem::exists(path("ready")); ++i) ::usleep(1000);
        const auto ready = slurp(path("ready"));
        ASSERT_EQ(std::sscanf(ready.c_str(), "{\"cwmp\":%hu,\"origin\":%hu,\"api\":%hu}", &cwmp,
                              &origin, &api),
                  3)
            << ready << slurp(path("log"));
    }
    int wait() {
        int status = 0;
        ::waitpid(std::exchange(pid, 0), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    int stop(int signal) {
        ::kill(pid, signal);
        return wait();
    }
    std::string devices() const {
        tests::RawClient client(api);
        client.send("GET /api/v1/devices HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        return client.receive_answer().body;
    }

    std::string folder;
    pid_t pid = 0;
    std::uint16_t cwmp = 0, origin = 0, api = 0;
};

TEST_F(AcsProgram, KnowsItsDevicesAfterAStopAndAfterAKill) {
    start();
    Cpe cpe(cwmp, kCpe);
    EXPECT_EQ(said(cpe.post(body_of(an_inform())).body), "InformResponse");
    // Its answer follows the store, and with it all that came before.
    EXPECT_EQ(said(cpe.post(body_of(a_transfer("unknown"))).body), "TransferCompleteResponse");
    EXPECT_THAT(devices(), HasSubstr("00D09E-Box-S1"));
    EXPECT_EQ(stop(SIGKILL), 128 + SIGKILL);

    start();
    EXPECT_THAT(devices(), HasSubstr("00D09E-Box-S1"));
    EXPECT_EQ(stop(SIGTERM), 0);
    EXPECT_THAT(slurp(path("log")), HasSubstr("stopping"));

    start();
    EXPECT_THAT(devices(), HasSubstr("00D09E-Box-S1"));
    EXPECT_EQ(stop(SIGINT), 0);
}

TEST_F(AcsProgram, LeavesAStoreToWhoHasIt) {
    start();
    const auto first = std::exchange(pid, 0);
    spawn({"--insecure-lab"}, "second");
    EXPECT_EQ(wait(), 1);
    EXPECT_THAT(slurp(path("second")), HasSubstr("acs.db"));
    pid = first;
    EXPECT_EQ(stop(SIGTERM), 0);
}

TEST_F(AcsProgram, RefusesWrongUseWithOneLine) {
    spawn({}, "log");
    EXPECT_EQ(wait(), 2);
    EXPECT_THAT(slurp(path("log")), HasSubstr("--tls-certificate"));
}

TEST_F(AcsProgram, ServesDevicesOverTls) {
    const auto own = tests::TestCertificate::make("DNS:acs.test");
    std::ofstream(path("crt")) << own.certificate;
    std::ofstream(path("key")) << own.key;
    start({"--tls-certificate", path("crt"), "--tls-key", path("key")});
    tests::TlsClient client(cwmp);
    const auto inform = body_of(an_inform());
    // Basic is let in here: nobody listens in.
    client.send("POST / HTTP/1.1\r\nHost: acs.test\r\nAuthorization: " + http::format_basic(kCpe) +
                "\r\nContent-Length: " + std::to_string(inform.size()) + "\r\n\r\n" + inform);
    EXPECT_EQ(said(client.receive_answer().body), "InformResponse");
    tests::TlsClient files(origin);
    files.send("GET /p/none/x.bin HTTP/1.1\r\nHost: acs.test\r\n\r\n");
    EXPECT_EQ(files.receive_answer().status, 404);
    tests::RawClient plain(cwmp);
    plain.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    EXPECT_TRUE(plain.is_closed_within(2000));
    EXPECT_EQ(stop(SIGTERM), 0);
    EXPECT_THAT(slurp(path("log")), HasSubstr("TLS handshake"));
}

}  // namespace
}  // namespace sluice::acs
