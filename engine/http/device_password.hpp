#pragma once
// Each device its own password, and no table of them: made of one secret of the operator's and the
// device's user name. An ACS checks it so, whoever writes passwords into devices makes it so:
//
//     printf %s "$NAME" | openssl dgst -sha256 -hmac "$SECRET" -binary | basenc --base64url | head
//     -c 32
//
// One password that leaks is one device's.

#include <string>
#include <string_view>

namespace sluice::http {

// The first 32 characters of base64url(HMAC-SHA256(secret, username)): 192 bits.
std::string device_password(std::string_view secret, std::string_view username);

}  // namespace sluice::http
