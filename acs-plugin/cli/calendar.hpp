#pragma once
// Points in time as operators type them. The clock is read here and nowhere else in the commands.

#include <string_view>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"

namespace sluice::cli {

UtcTime utc_now();

// "2027-03-01T12:00:00Z", "2027-03-01" (its first second) or "365d" (that long after `from`).
Result<UtcTime> parse_when(std::string_view text, UtcTime from);

}  // namespace sluice::cli
