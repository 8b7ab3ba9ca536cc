#include "acs-plugin/origin/site_rates.hpp"

#include <algorithm>

namespace sluice::origin {
namespace {

constexpr std::size_t kSitesKept = 4096;
// After this long a bucket is full again: forgetting it gives nothing away.
constexpr Duration kIdle = 1s;

}  // namespace

std::uint32_t SiteRates::take(const std::string& site, net::ExchangeId id, std::uint32_t wanted,
                              Instant now) {
    if (rate_bps_ == 0) return wanted;
    if (sites_.size() >= kSitesKept && !sites_.contains(site)) drop_the_idle(now);
    auto& its = sites_.try_emplace(site, rate_bps_).first->second;
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

std::optional<net::ExchangeId> SiteRates::take_ready(Instant now) {
    if (ready_.empty() || ready_.begin()->first > now) return std::nullopt;
    auto& site = *ready_.begin()->second;
    called_ = site.waiting.front();
    site.waiting.pop_front();
    set_ready(site, site.waiting.empty() ? Instant::never() : now);
    return called_;
}

void SiteRates::forget(const std::string& site, net::ExchangeId id) {
    const auto at = sites_.find(site);
    if (at == sites_.end()) return;
    std::erase(at->second.waiting, id);
    if (at->second.waiting.empty()) set_ready(at->second, Instant::never());
}

Instant SiteRates::next_deadline() const {
    return ready_.empty() ? Instant::never() : ready_.begin()->first;
}

void SiteRates::set_ready(Site& site, Instant at) {
    if (site.ready != Instant::never()) ready_.erase({site.ready, &site});
    site.ready = at;
    if (at != Instant::never()) ready_.insert({at, &site});
}

void SiteRates::drop_the_idle(Instant now) {
    std::erase_if(sites_, [now](const auto& each) {
        return each.second.waiting.empty() && now - each.second.used > kIdle;
    });
}

}  // namespace sluice::origin
