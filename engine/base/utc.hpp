#pragma once
// UtcTime as text: RFC 3339 as the manifest and the Assignment write it.

#include <string>
#include <string_view>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"

namespace sluice {

// "2026-03-01T12:00:00Z". Years 1970 to 9999.
std::string format_utc(UtcTime t);
// Accepts exactly that form, seconds mandatory, zone "Z" only; calendar dates are checked.
Result<UtcTime> parse_utc(std::string_view text);

}  // namespace sluice
