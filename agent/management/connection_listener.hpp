#pragma once
// Where the ACS knocks when it wants this device to report (TR-069 §3.2.2): a GET with Digest on a
// path nobody can guess, answered with 200 before the session it asks for. Busy, or asked too
// often: 503. Whoever has no credentials learns nothing and costs little.
//
// I/O thread.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/http/digest_gate.hpp"
#include "engine/net/http_server.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::agent::management {

struct ConnectionListenerOptions {
    std::vector<net::ListenAddress> listen;
    std::string path;  // "/" and what is random
    // As they are at that moment: the ACS may change them. An empty name lets nobody in.
    std::function<http::Credentials()> credentials;
    // False: a session is open already.
    std::function<bool()> may_call;
    // The 200 is on its way.
    std::function<void()> called;
    std::function<Instant()> clock;
    // So many calls taken in a burst and then one each `every`; as many wrong passwords beside
    // them, so that guessing does not keep the ACS out.
    std::uint32_t burst = 5;
    Duration every = std::chrono::seconds(10);
};

class ConnectionListener final : private net::HttpHandler {
public:
    ConnectionListener(boost::asio::io_context& io, ConnectionListenerOptions options);
    // The first address's port.
    Result<std::uint16_t> listen();

private:
    void on_request(const net::HttpRequest& request, net::ExchangeId id) override;
    void on_sent(net::ExchangeId, std::uint32_t) override {}
    void on_closed(net::ExchangeId) override {}
    void challenge(net::ExchangeId id, bool is_stale);

    const ConnectionListenerOptions options_;
    http::DigestGate gate_;
    struct Turns {
        double left;
        Instant at;
        bool take(Instant now, std::uint32_t burst, Duration every);
    };
    Turns calls_, guesses_;
    net::HttpServer server_;
};

}  // namespace sluice::agent::management
