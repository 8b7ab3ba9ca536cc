#pragma once
// The operator's API, /api/v1, JSON in and out (docs/openapi.yaml). It asks and orders the planner;
// what changes something is answered 2xx only when the store has it on its medium. Errors are
// application/problem+json (RFC 9457) and name the field at fault.
//
// Without a token it takes requests to this machine's own names only, and none that another web
// site's page sent: who may open a socket here may then do everything.
//
// Single-threaded: on the io_context's thread; published files are written on a thread of its own.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "acs-plugin/service/planner.hpp"
#include "engine/net/http_server.hpp"
#include "engine/net/listen_address.hpp"
#include "engine/net/server_tls.hpp"

namespace sluice::origin {
class Shelf;
}

namespace sluice::rest {

// One portion of an upload; clients may send smaller ones.
inline constexpr std::size_t kMaxPortion = 4 * 1024 * 1024;

// Bounds that suit the API: bodies of a portion, and a minute for one.
net::HttpServerLimits usual_limits();

struct RestOptions {
    std::vector<net::ListenAddress> listen;
    net::HttpServerLimits http = usual_limits();
    std::shared_ptr<net::ServerTls> tls;  // empty: plain HTTP
    std::string token;                    // Bearer; empty: whoever reaches us
    std::function<service::WallTime()> wall_time;
    // The store's. `done` comes on the io_context's thread.
    std::function<void(service::Changes, std::function<void(Result<void>)> done)> commit;
    std::function<void(service::EventQuery,
                       std::function<void(Result<std::vector<service::EventRow>>)> done)>
        history;
    std::function<void(const std::string& line)> log;  // may be empty
};

class RestServer {
public:
    // `planner` and `shelf` outlive it. Binds at once.
    static Result<std::unique_ptr<RestServer>> start(boost::asio::io_context& io,
                                                     service::Planner& planner,
                                                     origin::Shelf& shelf, RestOptions options);
    ~RestServer();
    RestServer(const RestServer&) = delete;
    RestServer& operator=(const RestServer&) = delete;

    std::uint16_t port() const;  // of the first listening address

private:
    struct Impl;
    explicit RestServer(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::rest
