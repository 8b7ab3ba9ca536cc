#include "agent/management/device_clock.hpp"

#include <array>
#include <string>

#include "engine/base/utc.hpp"

namespace sluice::agent::management {

UtcTime build_date() {
    const auto built = parse_utc(SLUICE_BUILD_DATE);
    return built ? built.value() : UtcTime{};
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
UtcTime parse_http_date(std::string_view text) {
    constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (text.size() != 29 || !text.ends_with(" GMT")) return {};
    for (unsigned month = 0; month < kMonths.size(); ++month) {
        if (text.substr(8, 3) != kMonths[month]) continue;
        const auto number = std::to_string(month + 1);
        const auto utc = parse_utc(
            std::string(text.substr(12, 4)) + "-" + std::string(2 - number.size(), '0') + number +
            "-" + std::string(text.substr(5, 2)) + "T" + std::string(text.substr(17, 8)) + "Z");
        return utc ? utc.value() : UtcTime{};
    }
    return {};
}

}  // namespace sluice::agent::management
