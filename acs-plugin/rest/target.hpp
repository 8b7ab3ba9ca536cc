#pragma once
// A request target as the API's routes want it: the segments of its path and its query, decoded.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::rest {

struct Target {
    std::vector<std::string> path;                          // "/api/v1/x/y": api, v1, x, y
    std::map<std::string, std::string, std::less<>> query;  // the last of a name
};

// Nothing for a target that is no path or is encoded wrongly. Bounded by the server's head.
std::optional<Target> parse_target(std::string_view target);

// A page's bounds out of its query; nothing when `limit` is not 1 to 1000.
struct Page {
    std::string after;
    std::size_t limit = 100;
};
std::optional<Page> page_of(const Target& target);

}  // namespace sluice::rest
