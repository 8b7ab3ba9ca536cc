#pragma once
// How fast payload may leave: a token bucket for each site, each rollout, and the origin as a
// whole, and the transfers that wait for one, each in its turn. A transfer goes through all that
// bind it, the narrowest place first; what a wider one did not let through it keeps for its next
// step. Owned by the origin; no clock of its own.

#include <array>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "engine/net/http_server.hpp"
#include "engine/serving/token_bucket.hpp"

namespace sluice::origin {

// Buckets of one kind, by key.
class Rates {
public:
    Rates() = default;
    Rates(const Rates&) = delete;
    Rates& operator=(const Rates&) = delete;

    // How many of `wanted` bytes the transfer may send now. 0: it waits, and is named by take_ready
    // when its turn comes. A rate of 0: no limit.
    std::uint32_t take(const std::string& key, std::uint64_t rate_bps, net::ExchangeId id,
                       std::uint32_t wanted, Instant now);
    // A transfer that waited and may ask again; nothing for now.
    std::optional<net::ExchangeId> take_ready(Instant now);
    void forget(const std::string& key, net::ExchangeId id);
    // When take_ready has something; Instant::never() while nobody waits.
    Instant next_deadline() const;

private:
    struct Each {
        explicit Each(std::uint64_t rate_bps) : bucket(rate_bps) {}
        serving::TokenBucket bucket;
        std::deque<net::ExchangeId> waiting;
        Instant used;
        Instant ready = Instant::never();  // of the first one that waits; its place in ready_
    };
    void set_ready(Each& each, Instant at);
    void drop_the_idle(Instant now);

    std::unordered_map<std::string, Each> all_;
    std::set<std::pair<Instant, Each*>> ready_;
    std::optional<net::ExchangeId> called_;  // by take_ready: goes before those that wait
};

// What binds one transfer, and what it was let through already.
struct Passage {
    struct Gate {
        std::string key;
        std::uint64_t rate_bps = 0;  // 0: no limit
        std::uint32_t credit = 0;    // bytes that passed here and not the gate behind
    };
    std::array<Gate, 3> gates;  // site, rollout, origin

    bool is_bound() const {
        return gates[0].rate_bps != 0 || gates[1].rate_bps != 0 || gates[2].rate_bps != 0;
    }
};

class RateLadder {
public:
    // As Rates.
    std::uint32_t take(Passage& passage, net::ExchangeId id, std::uint32_t wanted, Instant now);
    std::optional<net::ExchangeId> take_ready(Instant now);
    void forget(const Passage& passage, net::ExchangeId id);
    Instant next_deadline() const;

private:
    std::array<Rates, 3> rates_;
};

}  // namespace sluice::origin
