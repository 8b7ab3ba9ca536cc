#pragma once
// The server's side of TLS: what every connection of an HttpServer shares, and one connection's
// end of it. Works on a non-blocking socket that somebody else waits for: each call does what can
// be done now and says what has to happen first.
//
// TLS 1.2 and 1.3, no renegotiation, no compression. Single-threaded, as the server is.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace sluice::net {

struct ServerTlsFiles {
    std::string certificate;       // PEM: the server's own first, then its intermediates
    std::string key;               // PEM, without a passphrase
    std::string client_ca;         // PEM; empty: nobody is asked for a certificate
    bool must_client_show = true;  // with client_ca: who has no certificate is turned away
};

class ServerTls {
public:
    // Errors name the file.
    static Result<std::shared_ptr<ServerTls>> load(const ServerTlsFiles& files);
    ServerTls(const ServerTls&) = delete;
    ServerTls& operator=(const ServerTls&) = delete;

private:
    friend class TlsLink;
    struct Free {
        void operator()(ssl_ctx_st* context) const;
    };
    explicit ServerTls(std::unique_ptr<ssl_ctx_st, Free> context);

    std::unique_ptr<ssl_ctx_st, Free> context_;
};

enum class Turn : std::uint8_t {
    done,
    wants_read,   // again when the socket is readable
    wants_write,  // again when it is writable; a write must bring the same bytes, or more
    ended,        // the client said that it sends no more
    lost,         // nothing further can be had of this connection
};

struct Moved {
    Turn turn = Turn::lost;
    std::size_t bytes = 0;  // of `done`
};

class TlsLink {
public:
    // `fd` stays the caller's, who closes it after this is gone.
    TlsLink(ServerTls& shared, int fd);
    ~TlsLink();
    TlsLink(const TlsLink&) = delete;
    TlsLink& operator=(const TlsLink&) = delete;

    Turn shake_hands();
    Moved read(std::span<char> room);
    Moved write(std::span<const char> bytes);
    // Bytes are here that no socket will announce; they may be too few to read.
    bool has_pending() const;
    // close_notify, if it fits into the socket; the client may go on sending.
    void say_goodbye();
    // The client took up an earlier session; after shake_hands.
    bool is_resumed() const;
    // What the certificate that the client showed is for, as proved by the CA: its common name and
    // alternative DNS names. After shake_hands; empty: it showed none.
    std::vector<std::string> client_names() const;
    // Why shake_hands was `lost`.
    const std::string& why() const { return why_; }

private:
    Turn turn_of(int result);

    struct Free {
        void operator()(ssl_st* link) const;
    };
    std::unique_ptr<ssl_st, Free> link_;
    std::string why_;
    bool is_broken_ = false;
};

}  // namespace sluice::net
