#include "engine/base/posix_zone.hpp"

#include <algorithm>
#include <chrono>

namespace sluice {
namespace {

constexpr std::int64_t kDay = 86400;

bool is_leap(std::int64_t year) {
    return std::chrono::year(static_cast<int>(year)).is_leap();
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
}

}  // namespace

std::int64_t days_from_civil(std::int64_t year, int month, int day) {
    using namespace std::chrono;
    const year_month_day date{std::chrono::year(static_cast<int>(year)),
                              std::chrono::month(static_cast<unsigned>(month)),
                              std::chrono::day(static_cast<unsigned>(day))};
    return sys_days(date).time_since_epoch().count();
}

std::int64_t year_of_day(std::int64_t days) {
    using namespace std::chrono;
    const year_month_day date{sys_days{std::chrono::days(static_cast<int>(days))}};
    return static_cast<int>(date.year());
}

int weekday_of(std::int64_t days) {
    return static_cast<int>(((days % 7) + 11) % 7);  // 1970-01-01 was a Thursday
}

// --- reading ------------------------------------------------------------------------------------

class PosixZone::Reader {
public:
    explicit Reader(std::string_view text) : rest_(text) {}

    Result<PosixZone> read() {
        PosixZone out;
        if (!name() || !offset(out.standard_)) return fault("begins with no name and offset");
        if (rest_.empty()) return out;
        out.has_summer_ = true;
        if (!name()) return fault("has no name of summer time");
        out.summer_ = out.standard_ + 3600;
        if (!rest_.empty() && rest_.front() != ',' && !offset(out.summer_))
            return fault("has a bad offset of summer time");
        if (rest_.empty()) rest_ = ",M3.2.0,M11.1.0";
        for (auto& change : out.changes_)
            if (!take(',') || !rule(change)) return fault("has a bad rule of summer time");
        if (!rest_.empty()) return fault("goes on where it should end");
        return out;
    }

private:
    static Error fault(const char* what) { return Error{std::string("time zone ") + what}; }
    bool take(char c) {
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
    static bool is_digit(char c) { return c >= '0' && c <= '9'; }

    bool name() {
        const bool is_quoted = take('<');
        std::size_t n = 0;
        while (n < rest_.size() &&
               (is_letter(rest_[n]) ||
                (is_quoted && (is_digit(rest_[n]) || rest_[n] == '+' || rest_[n] == '-'))))
            ++n;
        if (n < 3 || n > 32) return false;
        rest_.remove_prefix(n);
        return !is_quoted || take('>');
    }
    bool number(std::int32_t least, std::int32_t most, std::int32_t& out) {
        std::size_t n = 0;
        out = 0;
        for (; n < rest_.size() && is_digit(rest_[n]) && n < 4; ++n)
            out = out * 10 + (rest_[n] - '0');
        rest_.remove_prefix(n);
        return n > 0 && out >= least && out <= most;
    }
    // [+-]hh[:mm[:ss]]
    bool time(std::int32_t most_hours, std::int32_t& out) {
        const bool is_minus = take('-');
        if (!is_minus) take('+');
        std::int32_t hours = 0, minutes = 0, seconds = 0;
        if (!number(0, most_hours, hours)) return false;
        if (take(':')) {
            if (!number(0, 59, minutes)) return false;
            if (take(':') && !number(0, 59, seconds)) return false;
        }
        out = (hours * 60 + minutes) * 60 + seconds;
        if (is_minus) out = -out;
        return true;
    }
    // POSIX counts to the west.
    bool offset(std::int32_t& east) {
        std::int32_t west = 0;
        if (!time(24, west)) return false;
        east = -west;
        return true;
    }
    bool rule(Change& out) {
        if (take('M')) {
            out.kind = Change::Kind::month;
            if (!number(1, 12, out.month) || !take('.') || !number(1, 5, out.week) || !take('.') ||
                !number(0, 6, out.day))
                return false;
        } else if (take('J')) {
            out.kind = Change::Kind::julian;
            if (!number(1, 365, out.day)) return false;
        } else {
            out.kind = Change::Kind::zero_based;
            if (!number(0, 365, out.day)) return false;
        }
        out.seconds = 7200;
        return !take('/') || time(167, out.seconds);
    }

    std::string_view rest_;
};

Result<PosixZone> PosixZone::parse(std::string_view text) {
    return Reader(text).read();
}

// --- reckoning ----------------------------------------------------------------------------------

// When clocks are changed in that year, by the clocks as they are before it.
std::int64_t PosixZone::local_second(const Change& c, std::int64_t year) {
    std::int64_t day = 0;
    switch (c.kind) {
        case Change::Kind::julian:  // the 29th of February is never counted
            day = days_from_civil(year, 1, 1) + c.day - 1 + (is_leap(year) && c.day >= 60 ? 1 : 0);
            break;
        case Change::Kind::zero_based:
            day = days_from_civil(year, 1, 1) + c.day;
            break;
        case Change::Kind::month: {
            const auto first = days_from_civil(year, c.month, 1);
            const auto next = c.month == 12 ? days_from_civil(year + 1, 1, 1)
                                            : days_from_civil(year, c.month + 1, 1);
            day = first + (c.day - weekday_of(first) + 7) % 7 + 7 * (c.week - 1);
            while (day >= next) day -= 7;
            break;
        }
    }
    return day * kDay + c.seconds;
}

std::int64_t PosixZone::offset_at(UtcTime t) const {
    if (!has_summer_) return standard_;
    const auto year = year_of_day(floor_div(t.seconds + standard_, kDay));
    const auto begins = local_second(changes_[0], year) - standard_;
    const auto ends = local_second(changes_[1], year) - summer_;
    const bool is_summer = begins < ends ? t.seconds >= begins && t.seconds < ends
                                         : t.seconds >= begins || t.seconds < ends;
    return is_summer ? summer_ : standard_;
}

UtcTime PosixZone::moment_of(std::int64_t local) const {
    if (!has_summer_) return {local - standard_};
    // The larger offset is the earlier moment.
    for (const auto offset : {std::max(standard_, summer_), std::min(standard_, summer_)})
        if (const UtcTime t{local - offset}; offset_at(t) == offset) return t;
    return {local - std::min(standard_, summer_)};
}

}  // namespace sluice
