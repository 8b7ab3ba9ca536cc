// Whom the client believes over TLS: the operator's authority, and only for the name it asked.
#include <fstream>
#include <gtest/gtest.h>

#include "tests/net/client/client_rig.hpp"
#include "tests/net/client/scripted_server.hpp"
#include "tests/net/client/test_certificate.hpp"
#include "tests/net/client/tls_server.hpp"

namespace sluice::tests {
namespace {

class ClientTlsTest : public testing::Test {
protected:
    ~ClientTlsTest() override { std::remove(ca_file.c_str()); }

    void trust(const TestCertificate& certificate) {
        ca_file = testing::TempDir() + "sluice-ca-" + std::to_string(getpid()) + ".pem";
        std::ofstream(ca_file) << certificate.certificate;
    }
    std::string ca_file;
};

TEST_F(ClientTlsTest, BelievesTheOperatorsAuthorityForTheNameItAsked) {
    const auto certificate = TestCertificate::make("DNS:localhost");
    trust(certificate);
    TlsServer server(certificate, false);
    ClientRig rig({}, {}, net::BasicPolicy::refused, ca_file);
    const auto& sink = rig.get(server.url("localhost"));
    ASSERT_TRUE(rig.run_to_end());
    EXPECT_EQ(sink.body, "over TLS") << sink.why;
}

TEST_F(ClientTlsTest, RefusesACertificateForAnotherName) {
    const auto certificate = TestCertificate::make("DNS:elsewhere.test");
    trust(certificate);
    TlsServer server(certificate, false);
    ClientRig rig({}, {}, net::BasicPolicy::refused, ca_file);
    const auto& sink = rig.get(server.url("localhost"));
    ASSERT_TRUE(rig.run_to_end());
    EXPECT_EQ(sink.fault, net::FetchFault::unreachable);
    EXPECT_EQ(sink.body, "");
}

TEST_F(ClientTlsTest, RefusesAnAuthorityThatTheOperatorDidNotName) {
    trust(TestCertificate::make("DNS:localhost"));
    TlsServer server(TestCertificate::make("DNS:localhost"), false);
    ClientRig rig({}, {}, net::BasicPolicy::refused, ca_file);
    const auto& sink = rig.get(server.url("localhost"));
    ASSERT_TRUE(rig.run_to_end());
    EXPECT_EQ(sink.fault, net::FetchFault::unreachable);
}

TEST_F(ClientTlsTest, RefusesTls11) {
    const auto certificate = TestCertificate::make("DNS:localhost");
    trust(certificate);
    TlsServer server(certificate, false, true);
    ClientRig rig({}, {}, net::BasicPolicy::refused, ca_file);
    const auto& sink = rig.get(server.url("localhost"));
    ASSERT_TRUE(rig.run_to_end());
    EXPECT_EQ(sink.fault, net::FetchFault::unreachable);
}

TEST_F(ClientTlsTest, SendsBasicCredentialsToAnOriginOverTls) {
    const auto certificate = TestCertificate::make("IP:127.0.0.1");
    trust(certificate);
    TlsServer server(certificate, true);
    ClientRig rig({}, {"user", "secret"}, net::BasicPolicy::over_tls, ca_file);
    const auto& sink = rig.get(server.url("127.0.0.1"));
    ASSERT_TRUE(rig.run_to_end());
    EXPECT_EQ(sink.body, "over TLS") << sink.why;
}

TEST_F(ClientTlsTest, NamesTheCaFileThatCannotBeRead) {
    TlsServer server(TestCertificate::make("IP:127.0.0.1"), false);
    ClientRig rig({}, {}, net::BasicPolicy::refused, "/nonexistent/ca.pem");
    const auto& sink = rig.get(server.url("127.0.0.1"));
    ASSERT_TRUE(rig.run_to_end());
    EXPECT_NE(sink.why.find("/nonexistent/ca.pem"), std::string::npos) << sink.why;
}

}  // namespace
}  // namespace sluice::tests
