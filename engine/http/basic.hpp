#pragma once
// Basic credentials (RFC 7617), both sides. Plain CPEs that cannot do Digest send them.

#include <optional>
#include <string>
#include <string_view>

#include "engine/http/auth_fields.hpp"

namespace sluice::http {

struct Credentials {
    std::string username;
    std::string password;

    friend bool operator==(const Credentials&, const Credentials&) = default;
};

// Nothing unless the scheme is Basic and its token is base64 of "name:password" without controls.
std::optional<Credentials> read_basic(const AuthScheme& authorization);

std::string format_basic(const Credentials& credentials);    // the Authorization value
std::string format_basic_challenge(std::string_view realm);  // the WWW-Authenticate value

}  // namespace sluice::http
