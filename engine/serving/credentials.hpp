#pragma once
// Who may take an image from a device (DESIGN §5). The planner's shell mints a name and a password
// for each pair of device and source; the serving device checks them with its own key alone, asking
// nobody. A password is worth one image at one master until its name's expiry.
//
//   username   s1.<rollout>.<device tag>.<expiry, UTC seconds in lower-case hex>
//   password   first 32 characters of base64url(HMAC-SHA256(K_master,
//              "sluice-peer-v1" 00 image id (32 bytes) 00 username))
//   K_master   HKDF-SHA256(secret = K_rollout, salt = none, info = the master's id), 32 bytes
//
// The id is `info`, not salt: RFC 5869 §3.2 puts there what binds a key to its use.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/bytes.hpp"
#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/image/digest.hpp"

namespace sluice::serving {

using Key = std::array<std::uint8_t, 32>;

inline constexpr std::size_t kMaxUsername = 96;  // all of it, of [A-Za-z0-9._-]
inline constexpr std::size_t kMaxRollout = 32;   // of [A-Za-z0-9_-]: a dot ends it
inline constexpr std::size_t kPasswordSize = 32;

Key derive_master_key(ByteView rollout_key, std::string_view master_id);
// 64 hex digits, as the Assignment carries it.
std::optional<Key> key_from_hex(std::string_view text);

// What a username says. The tag means nothing to anyone but the planner.
struct PeerName {
    std::string rollout;
    std::string tag;
    UtcTime expires;

    friend bool operator==(const PeerName&, const PeerName&) = default;
};
std::optional<PeerName> parse_username(std::string_view username);

struct PeerCredentials {
    std::string username;
    std::string password;
};
// Refused when the name would break the grammar or its limits.
Result<PeerCredentials> mint(const Key& master_key, const image::ImageId& image,
                             const PeerName& name);

enum class CredentialFault : std::uint8_t {
    malformed,    // not a name of ours
    forged,       // the password is not the name's
    expired,      // right once
    clock_unset,  // the ACS has not told the time: nothing can be judged
};
std::string_view describe(CredentialFault fault);

// The password that the bearer of `username` must know, for Digest to prove.
Result<std::string, CredentialFault> expected_password(const Key& master_key,
                                                       const image::ImageId& image,
                                                       std::string_view username);

// Whether the name is still good; `now` is empty until the ACS has spoken. Asked after the password
// proved right, so that only its owner learns that it expired.
Result<void, CredentialFault> check_expiry(std::string_view username, std::optional<UtcTime> now);

// Both at once, for Basic. The password is compared in constant time.
Result<void, CredentialFault> check(const Key& master_key, const image::ImageId& image,
                                    std::string_view username, std::string_view password,
                                    std::optional<UtcTime> now);

}  // namespace sluice::serving
