#pragma once
// What CPEs write for booleans, numbers and names: tolerant, and "nothing" where it makes no sense,
// so that one bad value costs that value and not the report.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::mapping {

// 0/1, true/false, in any case.
std::optional<bool> read_flag(std::string_view text);
// Decimal, times `factor`; a fraction or a negative number is none.
std::optional<std::uint64_t> read_number(std::string_view text, std::uint64_t factor = 1);
// 0 to 100, with or without a fraction and '%'.
std::optional<double> read_percent(std::string_view text);
// Control characters become spaces; cut to `longest` bytes between two characters; trimmed.
std::string read_text(std::string_view text, std::size_t longest);

}  // namespace sluice::mapping
