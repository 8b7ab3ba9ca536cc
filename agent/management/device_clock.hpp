#pragma once
// What the time is at least (DESIGN §4): a device's own clock starts in 1970. Floors come from the
// build, from the last committed image's manifest and from the ACS; from the highest of them on,
// monotonic time counts. It never goes back.

#include <string_view>

#include "engine/base/time.hpp"

namespace sluice::agent::management {

// The first day of this build's month.
UtcTime build_date();

class DeviceClock {
public:
    DeviceClock(UtcTime floor, Instant now) : floor_(floor), at_(now) {}

    // The time is not before `at_least`.
    void learn(UtcTime at_least, Instant now) {
        if (at_least <= utc(now)) return;
        floor_ = at_least;
        at_ = now;
    }
    // The same from the ACS: from then on credentials can be judged.
    void acs_said(UtcTime at_least, Instant now) {
        learn(at_least, now);
        has_acs_spoken_ = true;
    }
    bool has_acs_spoken() const { return has_acs_spoken_; }
    UtcTime utc(Instant now) const {
        return UtcTime{floor_.seconds +
                       std::chrono::duration_cast<std::chrono::seconds>(now - at_).count()};
    }

private:
    UtcTime floor_;
    Instant at_;
    bool has_acs_spoken_ = false;
};

// A Date field as servers send it (RFC 9110 §5.6.7, the preferred form); 0 for anything else.
UtcTime parse_http_date(std::string_view text);

}  // namespace sluice::agent::management
