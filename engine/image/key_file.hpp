#pragma once
// Keys as text: PEM as OpenSSL writes and reads it (RFC 8410: PKCS #8 for the private key,
// SubjectPublicKeyInfo for the public one), so that a key may come from, or move to, any tool.

#include <string>
#include <string_view>

#include "engine/base/result.hpp"
#include "engine/image/ed25519.hpp"

namespace sluice::image {

std::string to_private_pem(const SigningKey& key);
std::string to_public_pem(const PublicKey& key);

// Unencrypted Ed25519 keys only.
Result<SigningKey> parse_private_pem(std::string_view text);
Result<PublicKey> parse_public_pem(std::string_view text);

}  // namespace sluice::image
