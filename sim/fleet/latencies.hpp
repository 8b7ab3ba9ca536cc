#pragma once
// How long things took, as counts in buckets: 64 to each doubling, so that any percentile is within
// 1.6 % and a million values cost what ten do.

#include <array>
#include <cstdint>

#include "engine/base/time.hpp"

namespace sluice::sim::fleet {

class Latencies {
public:
    void add(Duration took);
    std::uint64_t count() const { return count_; }
    // The value that `share` of all are not above; zero when there is none.
    Duration quantile(double share) const;
    Duration longest() const { return longest_; }

private:
    static constexpr unsigned kSteps = 64;  // of one doubling
    static constexpr unsigned kDoublings = 40;
    static unsigned bucket_of(std::uint64_t microseconds);
    static std::uint64_t top_of(unsigned bucket);

    std::array<std::uint64_t, std::size_t{kSteps} * kDoublings> counts_{};
    std::uint64_t count_ = 0;
    Duration longest_{};
};

}  // namespace sluice::sim::fleet
