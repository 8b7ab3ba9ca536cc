#pragma once
// Where the ACS calls the emulated CPEs (TR-069 §3.2.2): one port, or a row of them, for all, and a
// path for each. Digest with the device's own name and password.
//
// Single-threaded: on the io_context's thread.

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/http/digest_gate.hpp"
#include "engine/net/http_server.hpp"
#include "sim/fleet/device.hpp"

namespace sluice::sim::fleet {

enum class CallVerdict : std::uint8_t { taken, busy, off };

class CallTaker {
public:
    virtual ~CallTaker() = default;
    virtual std::optional<DeviceNumber> called_at(std::string_view target) const = 0;
    // An empty name: everybody may call it.
    virtual http::Credentials call_credentials(DeviceNumber device) const = 0;
    // `off`: the connection is closed without a word. The answer leaves before the session begins.
    virtual CallVerdict called(DeviceNumber device) = 0;
    virtual void call_denied() = 0;
};

class Calls final : private net::HttpHandler {
public:
    // `io` and `taker` outlive it. Without any port the system is asked for the first.
    static Result<std::unique_ptr<Calls>> start(boost::asio::io_context& io, CallTaker& taker,
                                                net::ListenAddress at, std::uint32_t ports);
    std::uint16_t port_of(DeviceNumber device) const { return ports_[device % ports_.size()]; }

private:
    Calls(boost::asio::io_context& io, CallTaker& taker);
    void on_request(const net::HttpRequest& request, net::ExchangeId id) override;
    void on_sent(net::ExchangeId, std::uint32_t) override {}
    void on_closed(net::ExchangeId) override {}
    bool is_let_in(const net::HttpRequest& request, DeviceNumber device, net::ExchangeId id);

    CallTaker& taker_;
    http::DigestGate gate_;
    std::vector<std::uint16_t> ports_;
    net::HttpServer server_;
};

}  // namespace sluice::sim::fleet
