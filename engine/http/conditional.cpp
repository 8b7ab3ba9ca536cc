#include "engine/http/conditional.hpp"

#include <chrono>
#include <cstdio>

#include "engine/http/text.hpp"

namespace sluice::http {

std::string strong_etag(std::string_view opaque) {
    return '"' + std::string(opaque) + '"';
}

bool is_none_match_hit(std::string_view field, std::string_view etag) {
    field = trim(field);
    if (field == "*") return true;
    while (!field.empty()) {
        if (field.starts_with("W/")) field.remove_prefix(2);
        if (field.empty() || field.front() != '"') return false;
        const auto close = field.find('"', 1);
        if (close == std::string_view::npos) return false;
        if (field.substr(0, close + 1) == etag) return true;
        field = trim(field.substr(close + 1));
        if (field.empty() || field.front() != ',') return false;
        field = trim(field.substr(1));
    }
    return false;
}

bool is_if_range_met(std::string_view field, std::string_view etag) {
    return field.empty() || trim(field) == etag;
}

std::string format_http_date(UtcTime t) {
    static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::chrono::sys_seconds at{std::chrono::seconds{t.seconds}};
    const auto days = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day date{days};
    const auto in_day = (at - days).count();
    char text[64];
    std::snprintf(text, sizeof text, "%s, %02u %s %04d %02d:%02d:%02d GMT",
                  kDays[std::chrono::weekday{days}.c_encoding()], static_cast<unsigned>(date.day()),
                  kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                  static_cast<int>(in_day / 3600), static_cast<int>(in_day / 60 % 60),
                  static_cast<int>(in_day % 60));
    return text;
}

}  // namespace sluice::http
