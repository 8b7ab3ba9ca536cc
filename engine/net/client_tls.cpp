#include "engine/net/client_tls.hpp"

#include <boost/asio/ssl/context.hpp>

namespace sluice::net {

namespace ssl = boost::asio::ssl;

ClientTls::ClientTls(std::string ca_file) : ca_file_(std::move(ca_file)) {}
ClientTls::~ClientTls() = default;

Result<ssl::context*> ClientTls::context() {
    if (context_) return context_.get();
    auto context = std::make_unique<ssl::context>(ssl::context::tls_client);
    boost::system::error_code error;
    if (SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION) != 1) {
        return Error{"TLS: this OpenSSL has no TLS 1.2"};
    }
    context->set_verify_mode(ssl::verify_peer, error);
    if (!error) {
        if (ca_file_.empty()) {
            context->set_default_verify_paths(error);
        } else {
            context->load_verify_file(ca_file_, error);
        }
    }
    if (error) return Error{"TLS CA file " + ca_file_ + ": " + error.message()};
    // Each connection keeps its 16 KiB record buffers only while it has something in them.
    SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);
    context_ = std::move(context);
    return context_.get();
}

}  // namespace sluice::net
