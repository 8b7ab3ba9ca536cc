#include "sim/fleet/latencies.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sluice::sim::fleet {

// Below 64 µs each is its own; above, the first six bits behind the highest one count.
unsigned Latencies::bucket_of(std::uint64_t microseconds) {
    if (microseconds < kSteps) return static_cast<unsigned>(microseconds);
    const auto shift = static_cast<unsigned>(std::bit_width(microseconds)) - 7;
    const auto step = static_cast<unsigned>(microseconds >> shift) - kSteps;
    return std::min((shift + 1) * kSteps + step, kSteps * kDoublings - 1);
}

std::uint64_t Latencies::top_of(unsigned bucket) {
    if (bucket < kSteps) return bucket;
    const auto shift = bucket / kSteps - 1;
    return ((std::uint64_t{kSteps} + bucket % kSteps + 1) << shift) - 1;
}

void Latencies::add(Duration took) {
    const auto us = std::max<std::int64_t>(took / 1us, 0);
    ++counts_[bucket_of(static_cast<std::uint64_t>(us))];
    ++count_;
    longest_ = std::max(longest_, took);
}

Duration Latencies::quantile(double share) const {
    if (count_ == 0) return {};
    const auto wanted =
        static_cast<std::uint64_t>(std::max(1.0, std::ceil(share * static_cast<double>(count_))));
    std::uint64_t seen = 0;
    for (unsigned i = 0; i < counts_.size(); ++i) {
        seen += counts_[i];
        if (seen < wanted) continue;
        return std::min<Duration>(std::chrono::microseconds(top_of(i)), longest_);
    }
    return longest_;
}

}  // namespace sluice::sim::fleet
