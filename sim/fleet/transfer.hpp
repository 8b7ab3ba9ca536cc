#pragma once
// One device's talk with file servers for one order: its Assignment, then an image from a server.
// What comes is thrown away; nothing is verified. Which source comes next is the order's own.
//
// Single-threaded; `done` is never called from inside a call.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/http/basic.hpp"
#include "engine/net/url.hpp"
#include "engine/planning/plan.hpp"
#include "sim/fleet/settings.hpp"

namespace boost::asio {
class io_context;
}
namespace sluice::net {
class ClientTls;
}

namespace sluice::sim::fleet {

// As TransferComplete says it.
struct TransferTrouble {
    std::uint32_t code = 9010;
    std::string why;
};

class Transfer {
public:
    // Nothing: the server has no Assignment there, but the image itself or nothing of the kind.
    using Assigned =
        std::function<void(Result<std::optional<planning::Assignment>, TransferTrouble>)>;
    // Bytes that came.
    using Fetched = std::function<void(Result<std::uint64_t, TransferTrouble>)>;

    // Both outlive it. Without `done` from then on once it is destroyed.
    Transfer(boost::asio::io_context& io, net::ClientTls& tls, std::string local_address);
    ~Transfer();
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;

    void ask(const std::string& url, const http::Credentials& who, Assigned done);
    // `mode` is head or whole; `length` 0: not known; `bps` 0: as fast as it comes.
    void fetch(const std::string& url, const http::Credentials& who, std::uint64_t length,
               FetchMode mode, double bps, Fetched done);

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::sim::fleet
