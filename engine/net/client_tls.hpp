#pragma once
// What the client side trusts over TLS. Nothing of OpenSSL is touched before the first https
// connection asks for the context: an agent that only speaks http on its LAN does not pay for it.

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"

namespace boost::asio::ssl {
class context;
}
struct ssl_st;
struct ssl_session_st;

namespace sluice::net {

class ClientTls {
public:
    // `ca_file`: the operator's own CA bundle (PEM) and no other; empty = the system's.
    explicit ClientTls(std::string ca_file = {});
    ~ClientTls();
    ClientTls(const ClientTls&) = delete;
    ClientTls& operator=(const ClientTls&) = delete;

    // For devices that start in 1970: what the time is at least. A certificate that had expired by
    // then is refused; one that is not yet valid may be, by the real time. Else the system's clock
    // is asked for both. Before context().
    void set_time_floor(std::function<UtcTime()> floor) { floor_ = std::move(floor); }
    // Shown to servers that ask for one (PEM files). Before context().
    void set_own_certificate(std::string certificate_file, std::string key_file);
    // Whether the session that a server gave last is offered to it again (resume): on, unless said
    // otherwise before context().
    void set_resumption(bool is_wanted) { resumes_ = is_wanted; }

    // TLS 1.2 or later, the peer's chain verified; made at the first call and kept. To be called
    // for each connection.
    Result<boost::asio::ssl::context*> context();

    // Before the handshake of a stream made with context(): offers `server` the session that it
    // gave last, and keeps the one that it gives now. `server` ("acs.example:7547") outlives the
    // stream.
    void resume(ssl_st* stream, const std::string& server);

private:
    struct FreeSession {
        void operator()(ssl_session_st* session) const;
    };
    Result<std::unique_ptr<boost::asio::ssl::context>> make_context();
    static int take_session(ssl_st* stream, ssl_session_st* session);

    std::string ca_file_;
    std::string certificate_file_, key_file_;
    std::function<UtcTime()> floor_;
    bool resumes_ = true;
    std::unique_ptr<boost::asio::ssl::context> context_;
    std::map<std::string, std::unique_ptr<ssl_session_st, FreeSession>> sessions_;  // by server
};

}  // namespace sluice::net
