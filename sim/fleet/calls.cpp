#include "sim/fleet/calls.hpp"

#include <array>
#include <boost/asio/io_context.hpp>
#include <chrono>

#include "engine/net/random.hpp"

namespace sluice::sim::fleet {
namespace {

constexpr std::size_t kNonces = 16 * 1024;

net::HttpServerLimits limits() {
    net::HttpServerLimits out;
    out.connections = out.connections_per_address = 4096;
    out.idle_timeout = std::chrono::seconds(5);
    return out;
}

}  // namespace

Calls::Calls(boost::asio::io_context& io, CallTaker& taker)
    : taker_(taker),
      gate_("sluice-fleet", net::random_block<std::array<std::uint8_t, 32>>().value(),
            {std::chrono::minutes(5), kNonces}),
      server_(io, *this, limits(), nullptr) {}

Result<std::unique_ptr<Calls>> Calls::start(boost::asio::io_context& io, CallTaker& taker,
                                            net::ListenAddress at, std::uint32_t ports) {
    std::unique_ptr<Calls> out(new Calls(io, taker));
    const auto first = at.port;
    for (std::uint32_t i = 0; i < ports; ++i) {
        at.port = static_cast<std::uint16_t>(first == 0 ? 0 : first + i);
        SLUICE_TRY(const auto port, out->server_.listen(at));
        out->ports_.push_back(port);
    }
    return out;
}

bool Calls::is_let_in(const net::HttpRequest& request, DeviceNumber device, net::ExchangeId id) {
    using http::GateVerdict;
    const auto who = taker_.call_credentials(device);
    if (who.username.empty()) return true;
    const Instant now{std::chrono::steady_clock::now().time_since_epoch()};
    const auto digest_of =
        [&](const http::DigestAuthorization& given) -> std::optional<std::string> {
        if (given.username != who.username) return std::nullopt;
        return http::password_digest(given, who.password);
    };
    const auto verdict = gate_.judge(request.field("Authorization"), request.method(),
                                     request.target(), digest_of, now);
    if (verdict == GateVerdict::granted) return true;
    if (verdict != GateVerdict::challenge && verdict != GateVerdict::stale) taker_.call_denied();
    net::HttpResponse refusal{401, {}, {}};
    for (auto& each : gate_.challenges(verdict == GateVerdict::stale, now))
        refusal.fields.emplace_back("WWW-Authenticate", std::move(each));
    server_.answer(id, refusal);
    return false;
}

void Calls::on_request(const net::HttpRequest& request, net::ExchangeId id) {
    const auto device = taker_.called_at(request.target());
    if (!device || request.method() != "GET")
        return server_.answer(id, {device ? 405u : 404u, {}, {}});
    if (!is_let_in(request, *device, id)) return;
    switch (taker_.called(*device)) {
        case CallVerdict::taken:
            return server_.answer(id, {200, {}, {}});
        case CallVerdict::busy:
            return server_.answer(id, {503, {{"Retry-After", "10"}}, {}});
        case CallVerdict::off:
            return server_.abort(id);
    }
}

}  // namespace sluice::sim::fleet
