// Whom the client believes over TLS: the operator's authority, and only for the name it asked.
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <fstream>
#include <gtest/gtest.h>
#include <thread>

#include "tests/net/client/client_rig.hpp"
#include "tests/net/client/scripted_server.hpp"
#include "tests/net/client/test_certificate.hpp"

namespace sluice::tests {
namespace {

namespace ssl = boost::asio::ssl;
using boost::asio::ip::tcp;

// Takes one connection and answers one request, asking for credentials first if it is to.
class TlsServer {
public:
    TlsServer(const TestCertificate& own, bool wants_basic, bool is_old = false)
        : context_(ssl::context::tls_server),
          acceptor_(io_, {boost::asio::ip::make_address("127.0.0.1"), 0}) {
        context_.use_certificate_chain(boost::asio::buffer(own.certificate));
        context_.use_private_key(boost::asio::buffer(own.key), ssl::context::pem);
        if (is_old) {
            SSL_CTX_set_security_level(context_.native_handle(), 0);
            SSL_CTX_set_min_proto_version(context_.native_handle(), TLS1_VERSION);
            SSL_CTX_set_max_proto_version(context_.native_handle(), TLS1_1_VERSION);
        }
        thread_ = std::thread([this, wants_basic] { serve(wants_basic); });
    }
    ~TlsServer() {
        // A test may end before anybody came: knock, so that accept() returns.
        boost::system::error_code ignored;
        tcp::socket knock(io_);
        knock.connect(acceptor_.local_endpoint(), ignored);
        knock.close(ignored);
        thread_.join();
    }
    std::string url(const std::string& host) const {
        return "https://" + host + ":" + std::to_string(acceptor_.local_endpoint().port()) + "/i";
    }

private:
    void serve(bool wants_basic) {
        boost::system::error_code error;
        ssl::stream<tcp::socket> stream(io_, context_);
        acceptor_.accept(stream.lowest_layer(), error);
        stream.handshake(ssl::stream_base::server, error);
        std::string request;
        for (int i = 0; i < 2 && !error; ++i) {
            request.clear();
            boost::asio::read_until(stream, boost::asio::dynamic_buffer(request), "\r\n\r\n",
                                    error);
            const bool is_let_in =
                !wants_basic ||
                request.find("Authorization: Basic dXNlcjpzZWNyZXQ=") != request.npos;
            const auto answer = is_let_in
                                    ? whole_answer("over TLS")
                                    : empty_answer(401, "WWW-Authenticate: Basic realm=\"x\"\r\n");
            if (!error) boost::asio::write(stream, boost::asio::buffer(answer), error);
        }
    }

    boost::asio::io_context io_;
    ssl::context context_;
    tcp::acceptor acceptor_;
    std::thread thread_;
};

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
