#pragma once
// How fast payload may leave for each site: a token bucket a site, and the transfers that wait for
// it, each in its turn. Owned by the origin; no clock of its own.

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "engine/net/http_server.hpp"
#include "engine/serving/token_bucket.hpp"

namespace sluice::origin {

class SiteRates {
public:
    explicit SiteRates(std::uint64_t rate_bps) : rate_bps_(rate_bps) {}
    SiteRates(const SiteRates&) = delete;
    SiteRates& operator=(const SiteRates&) = delete;

    // How many of `wanted` bytes the transfer may send now. 0: it waits, and is named by take_ready
    // when its turn comes.
    std::uint32_t take(const std::string& site, net::ExchangeId id, std::uint32_t wanted,
                       Instant now);
    // A transfer that waited and may ask again; nothing for now.
    std::optional<net::ExchangeId> take_ready(Instant now);
    void forget(const std::string& site, net::ExchangeId id);
    // When take_ready has something; Instant::never() while nobody waits.
    Instant next_deadline() const;

private:
    struct Site {
        explicit Site(std::uint64_t rate_bps) : bucket(rate_bps) {}
        serving::TokenBucket bucket;
        std::deque<net::ExchangeId> waiting;
        Instant used;
        Instant ready = Instant::never();  // of the first one that waits; its place in ready_
    };
    void set_ready(Site& site, Instant at);
    void drop_the_idle(Instant now);

    std::uint64_t rate_bps_;
    std::unordered_map<std::string, Site> sites_;
    std::set<std::pair<Instant, Site*>> ready_;
    std::optional<net::ExchangeId> called_;  // by take_ready: goes before those that wait
};

}  // namespace sluice::origin
