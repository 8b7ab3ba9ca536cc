#include "acs-plugin/cli/calendar.hpp"

#include <charconv>
#include <chrono>

#include "engine/base/utc.hpp"

namespace sluice::cli {

UtcTime utc_now() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::seconds>(now).count()};
}

Result<UtcTime> parse_when(std::string_view text, UtcTime from) {
    if (text.size() == 10) return parse_utc(std::string(text) + "T00:00:00Z");
    if (!text.ends_with('d')) return parse_utc(text);
    std::uint32_t days = 0;
    const auto* end = text.data() + text.size() - 1;
    const auto [stopped, error] = std::from_chars(text.data(), end, days);
    if (error != std::errc{} || stopped != end || days == 0 || days > 36500)
        return Error{"'" + std::string(text.substr(0, 40)) + "' is not a number of days like 365d"};
    return UtcTime{from.seconds + std::int64_t{days} * 86400};
}

}  // namespace sluice::cli
