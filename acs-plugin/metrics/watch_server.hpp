#pragma once
// A node's own address for those who watch it: /metrics, /health, /ready, and nothing else. The API
// has the same, but in a cluster every node's API is the owner's.
//
// It asks for no token: it is for an address that only the watchers reach.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/net/listen_address.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::metrics {

struct WatchOptions {
    std::vector<net::ListenAddress> listen;
    std::function<std::string()> text;       // of /metrics
    std::function<std::string()> not_ready;  // why not, in a line; empty: it is
    std::function<void(const std::string& line)> log;
};

class WatchServer {
public:
    // Binds at once.
    static Result<std::unique_ptr<WatchServer>> start(boost::asio::io_context& io,
                                                      WatchOptions options);
    ~WatchServer();
    WatchServer(const WatchServer&) = delete;
    WatchServer& operator=(const WatchServer&) = delete;

    std::uint16_t port() const;  // of the first listening address

private:
    struct Impl;
    explicit WatchServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::metrics
