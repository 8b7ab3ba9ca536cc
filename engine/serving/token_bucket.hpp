#pragma once
// The rate cap of a serving device: bytes may leave as tokens come in. Holds at most 50 ms worth
// (and at least one 64 KiB Send), so that a capped device never bursts into its subscriber's
// uplink.

#include <algorithm>
#include <cstdint>

#include "engine/base/time.hpp"

namespace sluice::serving {

class TokenBucket {
public:
    explicit TokenBucket(std::uint64_t rate_bps)
        : rate_Bps_(static_cast<double>(rate_bps) / 8),
          burst_(std::max(rate_Bps_ * 0.05, 65536.0)),
          tokens_(burst_) {}

    bool is_capped() const { return rate_Bps_ > 0; }

    // Takes up to `wanted` bytes' worth; all of them when there is no cap. Never a crumb: less than
    // a quarter of the burst is given only when it is all that is wanted.
    std::uint32_t take(std::uint32_t wanted, Instant now) {
        if (!is_capped() || wanted == 0) return wanted;
        refill(now);
        const auto given = std::min<double>(wanted, tokens_);
        if (given < std::min<double>(wanted, burst_ / 4)) return 0;
        tokens_ -= given;
        return static_cast<std::uint32_t>(given);
    }

    // When a quarter of the burst will be there.
    Instant next_tokens_at(Instant now) const {
        const double missing = burst_ / 4 - tokens_ - rate_Bps_ * seconds_since(now);
        const auto wait = static_cast<std::int64_t>(std::max(missing, 0.0) / rate_Bps_ * 1e9);
        return now + Duration(wait) + 1ms;
    }

private:
    double seconds_since(Instant now) const {
        return std::chrono::duration<double>(now - filled_at_).count();
    }
    void refill(Instant now) {
        if (is_started_) tokens_ = std::min(burst_, tokens_ + rate_Bps_ * seconds_since(now));
        is_started_ = true;
        filled_at_ = now;
    }

    double rate_Bps_;
    double burst_;
    double tokens_;
    Instant filled_at_{};
    bool is_started_ = false;
};

}  // namespace sluice::serving
