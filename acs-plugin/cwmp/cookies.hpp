#pragma once
// Session cookies as CPEs send them back: among others, several of one name, joined by commas where
// the standard says semicolons, quoted, stale.

#include <string>
#include <string_view>
#include <vector>

namespace sluice::cwmp::acs {

inline constexpr std::size_t kMaxCookies = 16;  // more are not looked at

// Every value that a Cookie field (or several, joined) gives for `name`, in order; views of it.
std::vector<std::string_view> cookie_values(std::string_view field, std::string_view name);
std::string format_set_cookie(std::string_view name, std::string_view value);

}  // namespace sluice::cwmp::acs
