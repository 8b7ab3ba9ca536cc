#pragma once
// What the time is at least (DESIGN §4): a device's own clock starts in 1970. Floors come from the
// build, from the last committed image's manifest and from the ACS; from the highest of them on,
// monotonic time counts. It never goes back.
//
// What only the ACS said does not count for TLS: a wrong Date would make every certificate an
// expired one, the ACS's own among them, and nobody could say better.

#include <string_view>

#include "engine/base/time.hpp"

namespace sluice::agent::management {

// The first day of this build's month.
UtcTime build_date();

class DeviceClock {
public:
    DeviceClock(UtcTime floor, Instant now) : floor_{floor, now}, proven_(floor_) {}

    // The time is not before `at_least`: our own build, or a manifest that was signed.
    void learn(UtcTime at_least, Instant now) {
        floor_.raise(at_least, now);
        proven_.raise(at_least, now);
    }
    // The same from the ACS: from then on credentials can be judged.
    void acs_said(UtcTime at_least, Instant now) {
        if (at_least.seconds < kNonsense) floor_.raise(at_least, now);
        has_acs_spoken_ = true;
    }
    bool has_acs_spoken() const { return has_acs_spoken_; }
    UtcTime utc(Instant now) const { return floor_.utc(now); }
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
        void raise(UtcTime at_least, Instant now) {
            if (at_least > utc(now)) *this = {at_least, now};
        }
    };
    Floor floor_, proven_;
    bool has_acs_spoken_ = false;
};

// A Date field as servers send it (RFC 9110 §5.6.7, the preferred form); 0 for anything else.
UtcTime parse_http_date(std::string_view text);

}  // namespace sluice::agent::management
