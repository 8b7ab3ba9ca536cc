#pragma once
// What a request at the origin is about: "/p/<token>/<name>" and "/p/<token>/<name>.layer".

#include <optional>
#include <string_view>

namespace sluice::origin {

struct RequestTarget {
    std::string_view token;
    bool is_layer = false;
};

// Views into `target`. Nothing unless the token is 1 to 64 of [A-Za-z0-9_-] and the name 1 to 140
// of [A-Za-z0-9._-]; nothing is percent-decoded. A query is looked over: plain CPEs append theirs.
std::optional<RequestTarget> parse_request_target(std::string_view target);

}  // namespace sluice::origin
