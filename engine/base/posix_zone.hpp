#pragma once
// A time zone as POSIX writes it in TZ, and as devices report it (TR-181 Time.LocalTimeZone):
// "CET-1CEST,M3.5.0,M10.5.0/3". Maintenance windows are in the device's local time, by this.

#include <array>
#include <cstdint>
#include <string_view>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"

namespace sluice {

class PosixZone {
public:
    PosixZone() = default;  // UTC
    // Names, offsets and rules of POSIX.1-2017 §8.3, and times of -167 to 167 hours as the zone
    // files have them. A zone with summer time and no rules has those of POSIX's own example.
    static Result<PosixZone> parse(std::string_view text);

    // Local time minus UTC, in seconds, at that moment.
    std::int64_t offset_at(UtcTime t) const;
    // The moment that clocks show `local` (seconds since 1970-01-01T00:00 by them): the first of
    // two in autumn; where they skip it in spring, as if they had not been put forward yet.
    UtcTime moment_of(std::int64_t local) const;

    friend bool operator==(const PosixZone&, const PosixZone&) = default;

private:
    struct Change {
        enum class Kind : std::uint8_t { julian, zero_based, month } kind = Kind::month;
        std::int32_t day = 0;  // of the year; of the week for `month`
        std::int32_t month = 0, week = 0;
        std::int32_t seconds = 7200;  // of local time as it was before
        friend bool operator==(const Change&, const Change&) = default;
    };
    class Reader;
    static std::int64_t local_second(const Change& change, std::int64_t year);

    std::int32_t standard_ = 0, summer_ = 0;  // seconds east of UTC
    bool has_summer_ = false;
    std::array<Change, 2> changes_{};  // into summer time, and out of it
};

// Days since 1970-01-01 of a date of the Gregorian calendar, and the year that such a day is in.
std::int64_t days_from_civil(std::int64_t year, int month, int day);
std::int64_t year_of_day(std::int64_t days);
// 0 = Sunday.
int weekday_of(std::int64_t days);

}  // namespace sluice
