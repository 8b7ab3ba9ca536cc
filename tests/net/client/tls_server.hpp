#pragma once
// A TLS server for one connection and two requests, with the certificate a test wants.

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <thread>

#include "tests/net/client/scripted_server.hpp"
#include "tests/net/client/test_certificate.hpp"

namespace sluice::tests {

// Takes one connection and answers one request, asking for credentials first if it is to.
class TlsServer {
public:
    TlsServer(const TestCertificate& own, bool wants_basic, bool is_old = false,
              const std::string& client_ca = "")
        : context_(boost::asio::ssl::context::tls_server),
          acceptor_(io_, {boost::asio::ip::make_address("127.0.0.1"), 0}) {
        context_.use_certificate_chain(boost::asio::buffer(own.certificate));
        context_.use_private_key(boost::asio::buffer(own.key), boost::asio::ssl::context::pem);
        if (is_old) {
            SSL_CTX_set_security_level(context_.native_handle(), 0);
            SSL_CTX_set_min_proto_version(context_.native_handle(), TLS1_VERSION);
            SSL_CTX_set_max_proto_version(context_.native_handle(), TLS1_1_VERSION);
        }
        if (!client_ca.empty()) {
            context_.add_certificate_authority(boost::asio::buffer(client_ca));
            context_.set_verify_mode(boost::asio::ssl::verify_peer |
                                     boost::asio::ssl::verify_fail_if_no_peer_cert);
        }
        thread_ = std::thread([this, wants_basic] { serve(wants_basic); });
    }
    ~TlsServer() {
        // A test may end before anybody came: knock, so that accept() returns.
        boost::system::error_code ignored;
        boost::asio::ip::tcp::socket knock(io_);
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
        boost::asio::ssl::stream<boost::asio::ip::tcp::socket> stream(io_, context_);
        acceptor_.accept(stream.lowest_layer(), error);
        stream.handshake(boost::asio::ssl::stream_base::server, error);
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
    boost::asio::ssl::context context_;
    boost::asio::ip::tcp::acceptor acceptor_;
    std::thread thread_;
};

}  // namespace sluice::tests
