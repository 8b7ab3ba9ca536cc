#pragma once
// Two kinds of time that must not be mixed. Instant is monotonic and means nothing outside one
// process; UtcTime is a calendar time, known only as well as the ACS told us. Both come in as
// arguments: nothing in the engine asks what time it is.

#include <chrono>
#include <compare>
#include <cstdint>

namespace sluice {

using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;

struct Instant {
    Duration since_start{};

    friend constexpr auto operator<=>(Instant, Instant) = default;
    friend constexpr Instant operator+(Instant t, Duration d) { return {t.since_start + d}; }
    friend constexpr Instant operator-(Instant t, Duration d) { return {t.since_start - d}; }
    friend constexpr Duration operator-(Instant a, Instant b) {
        return a.since_start - b.since_start;
    }
    // "No deadline": later than any time a machine will see.
    static constexpr Instant never() { return {Duration::max()}; }
};

// Seconds since 1970-01-01T00:00:00Z.
struct UtcTime {
    std::int64_t seconds = 0;
    friend constexpr auto operator<=>(UtcTime, UtcTime) = default;
};

}  // namespace sluice
