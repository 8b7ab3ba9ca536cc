#include "engine/base/utc.hpp"

#include <cstdio>

namespace sluice {
namespace {

using std::chrono::day;
using std::chrono::month;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

bool parse_digits(std::string_view text, std::size_t at, std::size_t n, int& out) {
    out = 0;
    for (std::size_t i = at; i < at + n; ++i) {
        if (text[i] < '0' || text[i] > '9') return false;
        out = out * 10 + (text[i] - '0');
    }
    return true;
}

}  // namespace

std::string format_utc(UtcTime t) {
    const std::chrono::sys_seconds at{std::chrono::seconds{t.seconds}};
    const auto days = std::chrono::floor<std::chrono::days>(at);
    const year_month_day date{days};
    const auto in_day = (at - days).count();
    char text[48];
    std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ",
                  static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()), static_cast<int>(in_day / 3600),
                  static_cast<int>(in_day / 60 % 60), static_cast<int>(in_day % 60));
    return text;
}

Result<UtcTime> parse_utc(std::string_view text) {
    const auto refuse = [&] {
        return Error{"'" + std::string(text.substr(0, 40)) +
                     "' is not a UTC time like 2026-03-01T12:00:00Z"};
    };
    if (text.size() != 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
        text[13] != ':' || text[16] != ':' || text[19] != 'Z')
        return refuse();
    int y, mo, d, h, mi, s;
    if (!parse_digits(text, 0, 4, y) || !parse_digits(text, 5, 2, mo) ||
        !parse_digits(text, 8, 2, d) || !parse_digits(text, 11, 2, h) ||
        !parse_digits(text, 14, 2, mi) || !parse_digits(text, 17, 2, s))
        return refuse();
    const year_month_day date{year{y}, month{static_cast<unsigned>(mo)},
                              day{static_cast<unsigned>(d)}};
    if (!date.ok() || y < 1970 || h > 23 || mi > 59 || s > 59) return refuse();
    const auto days = sys_days{date}.time_since_epoch().count();
    return UtcTime{static_cast<std::int64_t>(days) * 86400 + h * 3600 + mi * 60 + s};
}

}  // namespace sluice
