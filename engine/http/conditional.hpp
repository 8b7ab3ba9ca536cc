#pragma once
// Entity tags and dates (RFC 9110 §8.8.3, §13.1, §5.6.7): whether a client already holds what it
// asks for, and whether the range it continues is of the representation we hold.

#include <string>
#include <string_view>

#include "engine/base/time.hpp"

namespace sluice::http {

// A strong tag, quotes included. `opaque` is hex or a token: nothing in it needs escaping.
std::string strong_etag(std::string_view opaque);

// If-None-Match: true when the list holds `etag` (weakly compared) or is "*". Such a GET gets 304.
bool is_none_match_hit(std::string_view field, std::string_view etag);

// If-Range: whether a Range beside it may be honoured. True when the field is empty or is exactly
// our strong tag. A date never is: we send no Last-Modified.
bool is_if_range_met(std::string_view field, std::string_view etag);

// "Sun, 06 Nov 1994 08:49:37 GMT".
std::string format_http_date(UtcTime t);

}  // namespace sluice::http
