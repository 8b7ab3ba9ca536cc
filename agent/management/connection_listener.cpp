#include "agent/management/connection_listener.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>

#include "engine/net/random.hpp"

namespace sluice::agent::management {
namespace {

constexpr const char* kRealm = "sluice-cpe";

net::HttpServerLimits limits() {
    net::HttpServerLimits limits;
    limits.head_bytes = 4 * 1024;
    limits.connections = 16;
    limits.connections_per_address = 4;
    limits.idle_timeout = std::chrono::seconds(10);
    return limits;
}

net::HttpResponse answer(unsigned status) {
    return {status, {}, {}};
}

}  // namespace

ConnectionListener::ConnectionListener(boost::asio::io_context& io,
                                       ConnectionListenerOptions options)
    : options_(std::move(options)),
      gate_(kRealm, net::random_block<std::array<std::uint8_t, 32>>().value(),
            http::NonceLimits{std::chrono::minutes(5), 64}),
      calls_{static_cast<double>(options_.burst), options_.clock()},
      guesses_(calls_),
      server_(io, *this, limits(), nullptr) {}

Result<std::uint16_t> ConnectionListener::listen() {
    std::uint16_t first = 0;
    for (const auto& address : options_.listen) {
        SLUICE_TRY(const auto port, server_.listen(address));
        if (first == 0) first = port;
    }
    return first;
}

void ConnectionListener::on_request(const net::HttpRequest& request, net::ExchangeId id) {
    using http::GateVerdict;
    if (request.target() != options_.path) return server_.answer(id, answer(404));
    if (request.method() != "GET") {
        auto refusal = answer(405);
        refusal.fields.emplace_back("Allow", "GET");
        return server_.answer(id, refusal);
    }
    const auto now = options_.clock();
    const auto digest_of =
        [this](const http::DigestAuthorization& given) -> std::optional<std::string> {
        const auto known = options_.credentials();
        if (known.username.empty() || given.username != known.username) return std::nullopt;
        return http::password_digest(given, known.password);
    };
    const auto verdict = gate_.judge(request.field("Authorization"), request.method(),
                                     request.target(), digest_of, now);
    if (verdict == GateVerdict::challenge || verdict == GateVerdict::stale)
        return challenge(id, verdict == GateVerdict::stale);
    const bool is_granted = verdict == GateVerdict::granted;
    if (!is_granted && guesses_.take(now, options_.burst, options_.every))
        return challenge(id, false);
    const bool is_let_in =
        is_granted && options_.may_call() && calls_.take(now, options_.burst, options_.every);
    if (!is_let_in) {
        auto busy = answer(503);
        busy.fields.emplace_back("Retry-After", "10");
        return server_.answer(id, busy);
    }
    server_.answer(id, answer(200));
    options_.called();
}

void ConnectionListener::challenge(net::ExchangeId id, bool is_stale) {
    auto refusal = answer(401);
    for (auto& each : gate_.challenges(is_stale, options_.clock()))
        refusal.fields.emplace_back("WWW-Authenticate", std::move(each));
    server_.answer(id, refusal);
}

bool ConnectionListener::Turns::take(Instant now, std::uint32_t burst, Duration every) {
    left = std::min<double>(burst, left + std::chrono::duration<double>(now - at) / every);
    at = now;
    if (left < 1) return false;
    left -= 1;
    return true;
}

}  // namespace sluice::agent::management
