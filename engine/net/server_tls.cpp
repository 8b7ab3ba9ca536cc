#include "engine/net/server_tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace sluice::net {
namespace {

constexpr int kMaxChain = 8;  // certificates between a client's and the operator's CA
// A device that reports once a day, an hour late, resumes where it left off.
constexpr long kTicketSeconds = 25 * 3600;
constexpr std::size_t kMaxNames = 16;
// One server's sessions are resumed at that server; without a name OpenSSL refuses to resume where
// clients show certificates.
constexpr unsigned char kSessionContext[] = "sluice";
// The cheapest first: its key schedule has half of the work where SHA-256 is in the hardware.
constexpr char kSuites[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

std::string last_error() {
    const auto code = ERR_get_error();
    ERR_clear_error();
    if (code == 0) return "the connection ended";
    const char* reason = ERR_reason_error_string(code);
    return reason != nullptr ? reason : "error " + std::to_string(code);
}

Error refusal(const std::string& what, const std::string& file) {
    return Error{what + " " + file + ": " + last_error()};
}

// A daemon has nobody to ask: a key under a passphrase is refused instead.
int no_passphrase(char*, int, int, void*) {
    return 0;
}

}  // namespace

void ServerTls::Free::operator()(ssl_ctx_st* context) const {
    SSL_CTX_free(context);
}
ServerTls::ServerTls(std::unique_ptr<ssl_ctx_st, Free> context) : context_(std::move(context)) {}

Result<std::shared_ptr<ServerTls>> ServerTls::load(const ServerTlsFiles& files) {
    ERR_clear_error();
    std::unique_ptr<ssl_ctx_st, Free> context(SSL_CTX_new(TLS_server_method()));
    if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1)
        return Error{"TLS: " + last_error()};
    auto* c = context.get();
    SSL_CTX_set_ciphersuites(c, kSuites);
    SSL_CTX_set_read_ahead(c, 1);  // one read for what came together, not two a record
    SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE |
                               // Many CPEs leave without close_notify; a request's length is known.
                               SSL_OP_IGNORE_UNEXPECTED_EOF);
    // Record buffers (two of 16 KiB) only while something is in them.
    SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_default_passwd_cb(c, no_passphrase);
    SSL_CTX_set_session_id_context(c, kSessionContext, sizeof kSessionContext - 1);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);  // tickets carry what is to be kept
    SSL_CTX_set_timeout(c, kTicketSeconds);
    SSL_CTX_set_num_tickets(c, 1);  // each costs an encryption and 250 bytes on the wire
    if (SSL_CTX_use_certificate_chain_file(c, files.certificate.c_str()) != 1)
        return refusal("TLS certificate", files.certificate);
    if (SSL_CTX_use_PrivateKey_file(c, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
        return refusal("TLS key", files.key);
    if (SSL_CTX_check_private_key(c) != 1) return refusal("TLS key", files.key);
    if (!files.client_ca.empty()) {
        if (SSL_CTX_load_verify_locations(c, files.client_ca.c_str(), nullptr) != 1)
            return refusal("TLS client CA", files.client_ca);
        SSL_CTX_set_client_CA_list(c, SSL_load_client_CA_file(files.client_ca.c_str()));
        SSL_CTX_set_verify_depth(c, kMaxChain);
        SSL_CTX_set_verify(
            c, SSL_VERIFY_PEER | (files.must_client_show ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
            nullptr);
    }
    return std::shared_ptr<ServerTls>(new ServerTls(std::move(context)));
}

void TlsLink::Free::operator()(ssl_st* link) const {
    SSL_free(link);
}

TlsLink::TlsLink(ServerTls& shared, int fd) : link_(SSL_new(shared.context_.get())) {
    is_broken_ = !link_ || SSL_set_fd(link_.get(), fd) != 1;
    if (!is_broken_) SSL_set_accept_state(link_.get());
}
TlsLink::~TlsLink() = default;

Turn TlsLink::turn_of(int result) {
    switch (SSL_get_error(link_.get(), result)) {
        case SSL_ERROR_WANT_READ:
            return Turn::wants_read;
        case SSL_ERROR_WANT_WRITE:
            return Turn::wants_write;
        case SSL_ERROR_ZERO_RETURN:
            return Turn::ended;
        default:
            break;
    }
    is_broken_ = true;
    why_ = last_error();
    return Turn::lost;
}

Turn TlsLink::shake_hands() {
    if (is_broken_) return Turn::lost;
    ERR_clear_error();
    const auto result = SSL_do_handshake(link_.get());
    if (result == 1) return Turn::done;
    const auto turn = turn_of(result);
    if (turn != Turn::ended) return turn;
    why_ = "the client went away";
    return Turn::lost;
}

Moved TlsLink::read(std::span<char> room) {
    if (is_broken_) return {};
    ERR_clear_error();
    std::size_t got = 0;
    const auto result = SSL_read_ex(link_.get(), room.data(), room.size(), &got);
    if (result == 1) return {Turn::done, got};
    return {turn_of(result), 0};
}

Moved TlsLink::write(std::span<const char> bytes) {
    if (is_broken_) return {};
    ERR_clear_error();
    std::size_t sent = 0;
    const auto result = SSL_write_ex(link_.get(), bytes.data(), bytes.size(), &sent);
    if (result == 1) return {Turn::done, sent};
    const auto turn = turn_of(result);
    // Without renegotiation a write waits for nothing that the client would have to say.
    return {turn == Turn::wants_write ? turn : Turn::lost, 0};
}

bool TlsLink::has_pending() const {
    return !is_broken_ && SSL_has_pending(link_.get()) == 1;
}

bool TlsLink::is_resumed() const {
    return !is_broken_ && SSL_session_reused(link_.get()) == 1;
}

std::vector<std::string> TlsLink::client_names() const {
    std::vector<std::string> out;
    if (is_broken_) return out;
    const auto* certificate = SSL_get0_peer_certificate(link_.get());
    if (certificate == nullptr) return out;
    const auto add = [&](const ASN1_STRING* text) {
        const std::string_view name(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                    static_cast<std::size_t>(ASN1_STRING_length(text)));
        // One with a NUL inside would read as another.
        if (out.size() < kMaxNames && name.find('\0') == name.npos) out.emplace_back(name);
    };
    const auto* subject = X509_get_subject_name(certificate);
    for (int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1); at >= 0;
         at = X509_NAME_get_index_by_NID(subject, NID_commonName, at))
        add(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
        static_cast<GENERAL_NAMES*>(
            X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
        GENERAL_NAMES_free);
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        const auto* name = sk_GENERAL_NAME_value(names.get(), i);
        if (name->type == GEN_DNS) add(name->d.dNSName);
    }
    return out;
}

void TlsLink::say_goodbye() {
    if (is_broken_ || SSL_is_init_finished(link_.get()) != 1) return;
    ERR_clear_error();
    SSL_shutdown(link_.get());
    ERR_clear_error();
}

}  // namespace sluice::net
