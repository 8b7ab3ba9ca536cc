#pragma once
// How a webhook's receiver knows that it is us (Standard Webhooks 1.0): HMAC-SHA256 of
// "<id>.<unix seconds>.<body>" under a secret that both know.

#include <span>
#include <string>
#include <string_view>

#include "engine/base/bytes.hpp"

namespace sluice::rest {

// "whsec_" and base64; the key is what the base64 stands for.
std::string webhook_secret(std::span<const std::uint8_t, 32> random);
// Whether it is one, of 24 to 64 bytes.
bool is_webhook_secret(std::string_view secret);

// The field's value: "v1,<base64>".
std::string webhook_signature(std::string_view secret, std::string_view id,
                              std::string_view timestamp, std::string_view body);

}  // namespace sluice::rest
