// Who reads the system's certificates in a program that swarms: only who needs them.
#include <array>
#include <fstream>
#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "engine/net/client_tls.hpp"
#include "tests/swarm/loopback_swarm.hpp"

namespace sluice::agent::swarm {
namespace {

// The file that OpenSSL takes them from, and whether it was opened.
class SystemCertificates : public testing::Test {
protected:
    void SetUp() override {
        std::ofstream(file_).close();
        ASSERT_GE(inotify_add_watch(watch_, file_.c_str(), IN_OPEN), 0);
        ::setenv("SSL_CERT_FILE", file_.c_str(), 1);
    }
    void TearDown() override {
        ::unsetenv("SSL_CERT_FILE");
        ::close(watch_);
    }

    bool was_opened() const {
        std::array<char, 4096> events{};
        return ::read(watch_, events.data(), events.size()) > 0;
    }

private:
    TemporaryFolder folder_;
    const std::string file_ = folder_ / "certificates.pem";
    const int watch_ = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
};

TEST_F(SystemCertificates, AreNotReadForASwarm) {
    LoopbackSwarm swarm;
    auto& member = swarm.add();
    member.join();
    EXPECT_FALSE(was_opened());
}

TEST_F(SystemCertificates, AreReadForServersOfHttps) {
    net::ClientTls tls;
    ASSERT_TRUE(tls.context().has_value());
    EXPECT_TRUE(was_opened());
}

}  // namespace
}  // namespace sluice::agent::swarm
