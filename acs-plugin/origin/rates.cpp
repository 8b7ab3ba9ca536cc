#include "acs-plugin/origin/rates.hpp"

#include <algorithm>

namespace sluice::origin {
namespace {

constexpr std::size_t kKept = 4096;
// After this long a bucket is full again: forgetting it gives nothing away.
constexpr Duration kIdle = 1s;

}  // namespace

// --- one kind -----------------------------------------------------------------------------------

std::uint32_t Rates::take(const std::string& key, std::uint64_t rate_bps, net::ExchangeId id,
                          std::uint32_t wanted, Instant now) {
    if (rate_bps == 0) return wanted;
    if (all_.size() >= kKept && !all_.contains(key)) drop_the_idle(now);
    auto& its = all_.try_emplace(key, rate_bps).first->second;
    its.used = now;
    const bool was_called = std::exchange(called_, std::nullopt) == id;
    if (!its.waiting.empty() && !was_called) {
        its.waiting.push_back(id);  // and whoever is first goes when it would have gone
        return 0;
    }
    const auto given = its.bucket.take(wanted, now);
    if (given == 0) its.waiting.push_front(id);
    if (!its.waiting.empty()) set_ready(its, its.bucket.next_tokens_at(now));
    return given;
}

std::optional<net::ExchangeId> Rates::take_ready(Instant now) {
    if (ready_.empty() || ready_.begin()->first > now) return std::nullopt;
    auto& each = *ready_.begin()->second;
    called_ = each.waiting.front();
    each.waiting.pop_front();
    set_ready(each, each.waiting.empty() ? Instant::never() : now);
    return called_;
}

void Rates::forget(const std::string& key, net::ExchangeId id) {
    const auto at = all_.find(key);
    if (at == all_.end()) return;
    std::erase(at->second.waiting, id);
    if (at->second.waiting.empty()) set_ready(at->second, Instant::never());
}

Instant Rates::next_deadline() const {
    return ready_.empty() ? Instant::never() : ready_.begin()->first;
}

void Rates::set_ready(Each& each, Instant at) {
    if (each.ready != Instant::never()) ready_.erase({each.ready, &each});
    each.ready = at;
    if (at != Instant::never()) ready_.insert({at, &each});
}

void Rates::drop_the_idle(Instant now) {
    std::erase_if(all_, [now](const auto& each) {
        return each.second.waiting.empty() && now - each.second.used > kIdle;
    });
}

// --- one behind the other -----------------------------------------------------------------------

std::uint32_t RateLadder::take(Passage& passage, net::ExchangeId id, std::uint32_t wanted,
                               Instant now) {
    // From where it stood: a gate whose credit is not used up is not asked again.
    for (std::size_t i = 0; i < passage.gates.size(); ++i) {
        auto& gate = passage.gates[i];
        if (gate.rate_bps == 0) continue;
        if (gate.credit == 0)
            gate.credit = rates_[i].take(gate.key, gate.rate_bps, id, wanted, now);
        if (gate.credit == 0) return 0;
        wanted = std::min(wanted, gate.credit);
    }
    for (auto& gate : passage.gates)
        if (gate.rate_bps != 0) gate.credit -= wanted;
    return wanted;
}

std::optional<net::ExchangeId> RateLadder::take_ready(Instant now) {
    for (auto& rates : rates_)
        if (const auto id = rates.take_ready(now)) return id;
    return std::nullopt;
}

void RateLadder::forget(const Passage& passage, net::ExchangeId id) {
    for (std::size_t i = 0; i < rates_.size(); ++i) rates_[i].forget(passage.gates[i].key, id);
}

Instant RateLadder::next_deadline() const {
    auto out = Instant::never();
    for (const auto& rates : rates_) out = std::min(out, rates.next_deadline());
    return out;
}

}  // namespace sluice::origin
