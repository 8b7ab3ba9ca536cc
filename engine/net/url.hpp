#pragma once
// http and https URLs as an Assignment and a redirect carry them. No user info, no fragment: a
// URL names where bytes are, credentials travel beside it.

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"

namespace sluice::net {

inline constexpr std::size_t kMaxUrlLength = 2048;

struct Url {
    bool is_tls = false;
    std::string host;  // a name or an address literal; IPv6 without its brackets
    std::uint16_t port = 0;
    std::string target = "/";  // path and query, as sent in the request line

    // For the Host field: brackets around IPv6, no port when it is the scheme's own.
    std::string authority() const;
    std::string text() const;
    bool is_same_endpoint(const Url& other) const {
        return is_tls == other.is_tls && port == other.port && host == other.host;
    }
    friend bool operator==(const Url&, const Url&) = default;
};

Result<Url> parse_url(std::string_view text);
// A Location field against the URL that was asked: absolute, or an absolute path.
Result<Url> resolve(const Url& base, std::string_view location);

}  // namespace sluice::net
