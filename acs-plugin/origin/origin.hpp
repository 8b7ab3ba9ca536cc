#pragma once
// Where devices fetch from: one token a device and rollout, and behind it the image, its piece
// layer, or the device's Assignment (DESIGN §5).
//
//     GET|HEAD /p/<token>/<name>.bin         the image: Range, ETag, If-None-Match, If-Range
//     GET|HEAD /p/<token>/<name>.bin.layer   the piece layer
//     GET      /p/<token>/<name>.bin         Accept: application/vnd.sluice.assignment.v1+json
//
// A token nobody holds is 404, one of a rollout that is over 410. Digest where credentials are set,
// before anything is said of a token. Every payload byte that went to the kernel is told to the
// token book, of transfers that broke off too. Payload goes out as fast as its site, its rollout
// and the origin as a whole may; a transfer too many is told when to come again (503), and so is a
// site that had its budget: there, transfers under way end too. A file that another node has is
// given on as it comes (supply.hpp). Single-threaded: on the io_context's thread.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "acs-plugin/origin/token_book.hpp"
#include "engine/http/nonce.hpp"
#include "engine/net/http_server.hpp"
#include "engine/net/listen_address.hpp"
#include "engine/net/server_tls.hpp"

namespace sluice::origin {

class Shelf;
class Supply;

// What stands beside /p/ on the same listener, with credentials of its own: devices bring and fetch
// their configurations there (acs-plugin/backup).
class SideDoor {
public:
    virtual ~SideDoor() = default;
    virtual bool is_for(std::string_view target) const = 0;
    // As net::HttpHandler's, of what is_for.
    virtual std::size_t body_limit(const net::HttpRequest& head, std::size_t limit) const = 0;
    virtual unsigned status_without_body(const net::HttpRequest& head) const = 0;
    // `answer` once, from inside or later on the same thread.
    virtual void on_request(const net::HttpRequest& request,
                            std::function<void(const net::HttpResponse&)> answer) = 0;
};

struct OriginOptions {
    std::vector<net::ListenAddress> listen;
    net::HttpServerLimits http;           // bodies: at the side door alone
    SideDoor* side_door = nullptr;        // outlives it; null: none
    Supply* supply = nullptr;             // of files it lacks; outlives it; null: none
    std::shared_ptr<net::ServerTls> tls;  // empty: plain HTTP
    std::string username, password;       // empty: the token alone
    bool allows_basic = false;            // beside Digest, for clients that know nothing better
    http::NonceLimits nonces;
    std::array<std::uint8_t, 32> nonce_key{};  // random at each start of the process
    // Payload for one site, or for one device of no site, bits a second; 0: no limit.
    std::uint64_t site_rate_bps = 0;
    std::uint64_t rate_bps = 0;                        // for all of them together
    std::uint32_t max_transfers = 0;                   // at a time; 0: as many as connections
    std::function<Instant()> clock;                    // monotonic
    std::function<service::WallTime()> wall_time;      // for Assignments
    std::function<void(const std::string& line)> log;  // may be empty
};

struct OriginCounters {
    std::uint64_t transfers = 0;   // of images and layers
    std::uint64_t bytes_sent = 0;  // their payload
    std::uint64_t assignments = 0;
    std::uint64_t denied = 0;         // 401 to credentials that were wrong
    std::uint64_t unknown_token = 0;  // 404
    std::uint64_t over = 0;           // 410
    std::uint64_t too_many = 0;       // 503 over max_transfers
    std::uint64_t held = 0;           // 503, and transfers broken off: the site's budget is spent
    std::uint64_t lacked = 0;         // requests for a file that another node was asked for
    std::uint64_t broken_off = 0;     // transfers of such a file that came no further
};

class Origin {
public:
    // `tokens` and `shelf` outlive it. Binds at once.
    static Result<std::unique_ptr<Origin>> start(boost::asio::io_context& io, TokenBook& tokens,
                                                 Shelf& shelf, OriginOptions options);
    ~Origin();
    Origin(const Origin&) = delete;
    Origin& operator=(const Origin&) = delete;

    std::uint16_t port() const;  // of the first listening address
    const OriginCounters& counters() const;
    const net::HttpServerCounters& http_counters() const;

private:
    struct Impl;
    explicit Origin(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::origin
