#pragma once
// RawClient's sister over TLS: believes whoever answers, shows a certificate if it has one. Every
// wait is bounded.

#include <arpa/inet.h>
#include <cstdlib>
#include <memory>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/net/client/test_certificate.hpp"

namespace sluice::tests {

class TlsClient {
public:
    explicit TlsClient(std::uint16_t port, const TestCertificate* own = nullptr,
                       int version = 0 /* any */)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const timeval patience{5, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) return;
        context_.reset(SSL_CTX_new(TLS_client_method()));
        SSL_CTX_set_options(context_.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
        if (version != 0) {
            SSL_CTX_set_security_level(context_.get(), 0);
            SSL_CTX_set_min_proto_version(context_.get(), version);
            SSL_CTX_set_max_proto_version(context_.get(), version);
        }
        if (own != nullptr) show(*own);
        link_.reset(SSL_new(context_.get()));
        SSL_set_fd(link_.get(), fd_);
        is_connected_ = SSL_connect(link_.get()) == 1;
    }
    ~TlsClient() {
        link_.reset();
        ::close(fd_);
        ERR_clear_error();
    }
    TlsClient(const TlsClient&) = delete;
    TlsClient& operator=(const TlsClient&) = delete;

    bool is_connected() const { return is_connected_; }
    std::string version() const { return SSL_get_version(link_.get()); }
    int fd() const { return fd_; }

    bool send(std::string_view bytes) {
        std::size_t sent = 0;
        return SSL_write_ex(link_.get(), bytes.data(), bytes.size(), &sent) == 1;
    }
    // What send() would put on the wire: for who sends it in parts.
    std::string sealed(std::string_view bytes) {
        BIO* socket = SSL_get_wbio(link_.get());
        BIO_up_ref(socket);
        BIO* memory = BIO_new(BIO_s_mem());
        BIO_up_ref(memory);
        SSL_set0_wbio(link_.get(), memory);
        send(bytes);
        char* text = nullptr;
        const auto length = BIO_get_mem_data(memory, &text);
        std::string out(text, static_cast<std::size_t>(length));
        SSL_set0_wbio(link_.get(), socket);
        BIO_free(memory);
        return out;
    }
    std::string receive(std::size_t count) {
        std::string out(count, '\0');
        std::size_t have = 0, got = 0;
        while (have < count && SSL_read_ex(link_.get(), out.data() + have, count - have, &got) == 1)
            have += got;
        out.resize(have);
        return out;
    }
    struct Answer {
        int status = 0;
        std::string head, body;
    };
    Answer receive_answer() {
        Answer out;
        while (!out.head.ends_with("\r\n\r\n")) {
            const auto next = receive(1);
            if (next.empty()) return out;
            out.head += next;
        }
        out.status = std::atoi(out.head.c_str() + 9);
        const auto at = out.head.find("Content-Length: ");
        if (at != std::string::npos)
            out.body = receive(std::strtoull(out.head.c_str() + at + 16, nullptr, 10));
        return out;
    }
    // The server said close_notify: what came is all there is.
    bool was_ended_properly() {
        char one;
        std::size_t got = 0;
        const auto result = SSL_read_ex(link_.get(), &one, 1, &got);
        return result == 0 && (SSL_get_shutdown(link_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
    }

private:
    struct Free {
        void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }
        void operator()(SSL* p) const { SSL_free(p); }
    };
    void show(const TestCertificate& own) {
        const auto memory = [](const std::string& text) {
            return std::unique_ptr<BIO, decltype(&BIO_free)>(
                BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free);
        };
        const auto certificate_bytes = memory(own.certificate), key_bytes = memory(own.key);
        X509* certificate = PEM_read_bio_X509(certificate_bytes.get(), nullptr, nullptr, nullptr);
        EVP_PKEY* key = PEM_read_bio_PrivateKey(key_bytes.get(), nullptr, nullptr, nullptr);
        SSL_CTX_use_certificate(context_.get(), certificate);
        SSL_CTX_use_PrivateKey(context_.get(), key);
        X509_free(certificate);
        EVP_PKEY_free(key);
    }

    int fd_;
    std::unique_ptr<SSL_CTX, Free> context_;
    std::unique_ptr<SSL, Free> link_;
    bool is_connected_ = false;
};

}  // namespace sluice::tests
