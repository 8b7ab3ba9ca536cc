#pragma once
// What the time is at least (DESIGN §4): a device's own clock starts in 1970. Floors come from the
// build and from the last committed image's manifest, and never go back; the ACS's last word counts
// where it is later. From the highest of them on, monotonic time counts.
//
// The ACS may take its word back: a wrong Date would else bar every manifest that expires, for
// good. For TLS it does not count at all: it would make every certificate an expired one, the ACS's
// own among them, and nobody could say better.

#include <algorithm>
#include <string_view>

#include "engine/base/time.hpp"

namespace sluice::agent::management {

// The first day of this build's month.
UtcTime build_date();

class DeviceClock {
public:
    DeviceClock(UtcTime floor, Instant now) : proven_{floor, now} {}

    // The time is not before `at_least`: our own build, or a manifest that was signed.
    void learn(UtcTime at_least, Instant now) {
        if (at_least > proven_.utc(now)) proven_ = {at_least, now};
    }
    // The same from the ACS: from then on credentials can be judged.
    void acs_said(UtcTime at_least, Instant now) {
        if (at_least.seconds < kNonsense) told_ = {at_least, now};
        has_acs_spoken_ = true;
    }
    bool has_acs_spoken() const { return has_acs_spoken_; }
    UtcTime utc(Instant now) const { return std::max(proven_.utc(now), told_.utc(now)); }
    // Without the ACS's word.
    UtcTime proven(Instant now) const { return proven_.utc(now); }

private:
    static constexpr std::int64_t kNonsense = 7'258'118'400;  // the year 2200
    struct Floor {
        UtcTime utc_then;
        Instant then;

        UtcTime utc(Instant now) const {
            return UtcTime{utc_then.seconds +
                           std::chrono::duration_cast<std::chrono::seconds>(now - then).count()};
        }
    };
    Floor proven_;
    Floor told_;
    bool has_acs_spoken_ = false;
};

// A Date field as servers send it (RFC 9110 §5.6.7, the preferred form); 0 for anything else.
UtcTime parse_http_date(std::string_view text);

}  // namespace sluice::agent::management
