// Whom a device believes over TLS, and what it says when it does not; clocks that start in 1970.
#include <fstream>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tests/agent/managed/managed_device.hpp"
#include "tests/net/client/test_certificate.hpp"

namespace sluice::tests {
namespace {

using testing::HasSubstr;

class ManagedTls : public testing::Test {
protected:
    ~ManagedTls() override {
        for (const auto& file : files_) std::remove(file.c_str());
    }
    std::string file(const std::string& text) {
        files_.push_back(testing::TempDir() + "sluice-managed-" + std::to_string(getpid()) + "-" +
                         std::to_string(files_.size()) + ".pem");
        write_text(files_.back(), text);
        return files_.back();
    }
    TlsFiles files_of(const TestCertificate& own) { return {file(own.certificate), file(own.key)}; }
    static std::string first_failure(const ManagedDevice& device) {
        (void)eventually([&] { return !events_of(device.report(), "session").empty(); });
        const auto sessions = events_of(device.report(), "session");
        if (sessions.empty()) return "no session: " + device.said();
        return sessions[0]["success"] == 1 ? "success" : sessions[0]["why"].get<std::string>();
    }

private:
    std::vector<std::string> files_;
};

TEST_F(ManagedTls, SpeaksToTheAcsThatItsOperatorsAuthorityNames) {
    const auto own = TestCertificate::make("IP:127.0.0.1");
    ManagedDevice device(files_of(own));
    device.set("ca-file", file(own.certificate));
    device.set("insecure-lab", "");
    device.start();
    EXPECT_EQ(first_failure(device), "success") << device.said();
}

TEST_F(ManagedTls, SaysThatTheAuthorityIsWrong) {
    ManagedDevice device(files_of(TestCertificate::make("IP:127.0.0.1")));
    device.set("ca-file", file(TestCertificate::make("IP:127.0.0.1").certificate));
    device.start();
    EXPECT_THAT(first_failure(device), HasSubstr("TLS: wrong CA"));
    EXPECT_TRUE(device.acs.informs().empty());
}

TEST_F(ManagedTls, SaysThatTheHostNameIsWrong) {
    const auto own = TestCertificate::make("DNS:acs.elsewhere.test");
    ManagedDevice device(files_of(own));
    device.set("ca-file", file(own.certificate));
    device.start();
    EXPECT_THAT(first_failure(device), HasSubstr("TLS: wrong host name"));
    EXPECT_TRUE(device.acs.informs().empty());
}

TEST_F(ManagedTls, SaysThatTheCertificateHasExpired) {
    const auto own = TestCertificate::make("IP:127.0.0.1", -60, -7200);
    ManagedDevice device(files_of(own));
    device.set("ca-file", file(own.certificate));
    device.start();
    EXPECT_THAT(first_failure(device), HasSubstr("TLS: the certificate has expired"));
    EXPECT_TRUE(device.acs.informs().empty());
}

// Its clock knows no more than that it is 1970: certificates of today are not yet valid then, and
// the manifest's times are judged by what the ACS says.
TEST_F(ManagedTls, UpgradesWithAClockThatStartsIn1970) {
    const auto own = TestCertificate::make("IP:127.0.0.1");
    ManagedDevice device(files_of(own));
    device.set("ca-file", file(own.certificate));
    device.set("insecure-lab", "");
    device.set("clock-floor", "1970-01-01T00:00:00Z");
    device.publish(device.assignment());
    device.acs.ask(device.upgrade("k"));
    device.start();
    ASSERT_TRUE(eventually([&] { return !device.acs.transfers().empty(); })) << device.said();
    EXPECT_EQ(device.acs.informs().front().current_time.substr(0, 4), "1970");
    EXPECT_EQ(device.acs.transfers()[0].fault.code, 0u) << device.acs.transfers()[0].fault.text;
    EXPECT_GT(device.acs.informs().back().current_time, "2026");
}

TEST_F(ManagedTls, DoesNotSpeakPlainHttpUnlessItIsALab) {
    ManagedDevice device;
    device.set("insecure-lab", "");
    device.start();
    EXPECT_EQ(device.process().wait(), 2);
    EXPECT_THAT(device.said(), HasSubstr("is not https"));
}

TEST_F(ManagedTls, FollowsTheAcsWhereItSends) {
    ManagedDevice device;
    device.acs.redirect("/", "/elsewhere");
    device.start();
    EXPECT_EQ(first_failure(device), "success") << device.said();
    EXPECT_EQ(device.acs.stray_cookies(), 0);
}

}  // namespace
}  // namespace sluice::tests
