#include "engine/net/client_tls.hpp"

#include <boost/asio/ssl/context.hpp>

namespace sluice::net {

namespace ssl = boost::asio::ssl;

namespace {

// Between OpenSSL's verdict on one certificate and the stream's own callback.
int judge_by_floor(int is_good, X509_STORE_CTX* chain) {
    if (is_good == 0 && X509_STORE_CTX_get_error(chain) == X509_V_ERR_CERT_NOT_YET_VALID) {
        X509_STORE_CTX_set_error(chain, X509_V_OK);
        is_good = 1;
    }
    auto* const stream =
        static_cast<SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
    const auto own = SSL_get_verify_callback(stream);
    return own != nullptr ? own(is_good, chain) : is_good;
}

int verify_by_floor(X509_STORE_CTX* chain, void*) {
    X509_STORE_CTX_set_verify_cb(chain, judge_by_floor);
    return X509_verify_cert(chain);
}

// A device speaks with an ACS, an origin and a few neighbours.
constexpr std::size_t kMaxSessions = 16;

// What a stream and a context remember of us.
int server_index() {
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}
int owner_index() {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

}  // namespace

void ClientTls::FreeSession::operator()(ssl_session_st* session) const {
    SSL_SESSION_free(session);
}

// From inside OpenSSL when a server gives a session. A copy is kept, for OpenSSL spoils the one of
// a connection that ends without close_notify.
int ClientTls::take_session(ssl_st* stream, ssl_session_st* session) {
    auto* const self =
        static_cast<ClientTls*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(stream), owner_index()));
    const auto* const server =
        static_cast<const std::string*>(SSL_get_ex_data(stream, server_index()));
    if (self == nullptr || server == nullptr || SSL_SESSION_is_resumable(session) == 0) return 0;
    if (self->sessions_.size() >= kMaxSessions && !self->sessions_.contains(*server))
        self->sessions_.erase(self->sessions_.begin());
    self->sessions_[*server].reset(SSL_SESSION_dup(session));
    return 0;
}

void ClientTls::resume(ssl_st* stream, const std::string& server) {
    if (!resumes_) return;
    SSL_set_ex_data(stream, server_index(), const_cast<std::string*>(&server));
    if (const auto at = sessions_.find(server); at != sessions_.end())
        SSL_set_session(stream, at->second.get());
}

ClientTls::ClientTls(std::string ca_file) : ca_file_(std::move(ca_file)) {}
ClientTls::~ClientTls() = default;

void ClientTls::set_own_certificate(std::string certificate_file, std::string key_file) {
    certificate_file_ = std::move(certificate_file);
    key_file_ = std::move(key_file);
}

Result<ssl::context*> ClientTls::context() {
    if (!context_) {
        SLUICE_TRY(context_, make_context());
    }
    if (floor_) {
        // Each connection copies the context's parameters when it begins.
        auto* const parameters = SSL_CTX_get0_param(context_->native_handle());
        X509_VERIFY_PARAM_set_time(parameters, static_cast<time_t>(floor_().seconds));
    }
    return context_.get();
}

Result<std::unique_ptr<ssl::context>> ClientTls::make_context() {
    auto context = std::make_unique<ssl::context>(ssl::context::tls_client);
    boost::system::error_code error;
    if (SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION) != 1) {
        return Error{"TLS: this OpenSSL has no TLS 1.2"};
    }
    context->set_verify_mode(ssl::verify_peer, error);
    if (!error) {
        if (ca_file_.empty()) {
            // Of the store itself: a program may answer SSL_CTX_set_default_verify_paths() by its
            // own, to keep libraries from the system's certificates.
            if (X509_STORE_set_default_paths(SSL_CTX_get_cert_store(context->native_handle())) != 1)
                return Error{"TLS: the system's CA certificates cannot be read"};
        } else {
            context->load_verify_file(ca_file_, error);
        }
    }
    if (error) return Error{"TLS CA file " + ca_file_ + ": " + error.message()};
    // Each connection keeps its 16 KiB record buffers only while it has something in them.
    SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);
    if (resumes_) {
        SSL_CTX_set_ex_data(context->native_handle(), owner_index(), this);
        SSL_CTX_set_session_cache_mode(context->native_handle(),
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
        SSL_CTX_sess_set_new_cb(context->native_handle(), take_session);
    }
    if (floor_)
        SSL_CTX_set_cert_verify_callback(context->native_handle(), verify_by_floor, nullptr);
    if (certificate_file_.empty()) return context;
    context->use_certificate_chain_file(certificate_file_, error);
    if (error) return Error{"TLS certificate " + certificate_file_ + ": " + error.message()};
    context->use_private_key_file(key_file_, ssl::context::pem, error);
    if (error) return Error{"TLS key " + key_file_ + ": " + error.message()};
    return context;
}

}  // namespace sluice::net
