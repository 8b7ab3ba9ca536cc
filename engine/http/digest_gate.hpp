#pragma once
// Who may pass, at a server that asks for Digest: one Authorization field against a realm, a nonce
// book and whatever knows the passwords. Serving devices, the origin and the CWMP endpoint each
// have one; Basic, where a policy allows it, is the caller's to check.

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/http/digest.hpp"
#include "engine/http/nonce.hpp"

namespace sluice::http {

enum class GateVerdict : std::uint8_t {
    granted,
    challenge,  // no credentials came
    stale,      // right, but the nonce was too old or used: ask again with a new one
    malformed,  // not Digest as we speak it, for another realm, or for another target
    forged,     // an unknown name or a wrong password
};

// "wrong password": for logs and bodies.
std::string_view describe(GateVerdict verdict);

class DigestGate {
public:
    // H(username:realm:password) for this name and algorithm (password_digest); nothing: unknown.
    using DigestOf = std::function<std::optional<std::string>(const DigestAuthorization&)>;

    DigestGate(std::string realm, const std::array<std::uint8_t, 32>& nonce_key,
               const NonceLimits& limits);

    // `authorization` is the field's value, empty when there is none. The target must be the very
    // one that was hashed, and a nonce is taken only after the response proved right.
    GateVerdict judge(std::string_view authorization, std::string_view method,
                      std::string_view target, const DigestOf& digest_of, Instant now);
    GateVerdict judge(const AuthScheme& scheme, std::string_view method, std::string_view target,
                      const DigestOf& digest_of, Instant now);

    // The values of WWW-Authenticate, one field each: SHA-256 first, then MD5 for older clients.
    std::vector<std::string> challenges(bool is_stale, Instant now);

private:
    std::string realm_;
    NonceBook nonces_;
};

}  // namespace sluice::http
