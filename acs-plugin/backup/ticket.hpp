#pragma once
// What lets one device bring one configuration, or fetch one, for one order and a while: a URL with
// a token in it, and a name and password that are good for that token alone. Nothing is kept of
// them: every node that has the key ring can check them, before and after a restart.
//
//   token      base64url of: kind (1), number (4), expiry (8), tag (12), rollout or backup's id,
//              seal (16). The tag is of the identity; the seal is HMAC-SHA256 over all before it.
//   username   the device's identity
//   password   first 32 characters of base64url(HMAC-SHA256(key, token))
//
// The keys are made of the key ring's; a token of any of them is good.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "acs-plugin/backup/key_ring.hpp"
#include "acs-plugin/service/rows.hpp"

namespace sluice::backup {

inline constexpr std::size_t kMaxRollout = 32;
inline constexpr std::size_t kMaxUsername = 256;  // TR-069's, of Upload and Download

enum class Way : std::uint8_t {
    up = 'u',    // from the device: a PUT
    down = 'c',  // to the device: a GET
};

struct Claim {
    Way way = Way::up;
    std::uint32_t number = 0;  // of the order
    UtcTime expires;
    std::array<std::uint8_t, 12> tag{};  // tag_of(identity)
    std::string rollout;                 // of way up
    std::uint64_t backup = 0;            // of way down

    friend bool operator==(const Claim&, const Claim&) = default;
};
std::array<std::uint8_t, 12> tag_of(std::string_view identity);

class TicketBook {
public:
    explicit TicketBook(const KeyRing& keys);

    std::string token(const Claim& claim) const;
    // Nothing: not one of ours. An expired one is read like any other.
    std::optional<Claim> read(std::string_view token) const;
    // Of a token that read() takes.
    std::string password(std::string_view token) const;

private:
    struct Keys {
        Key seal, password;
    };
    const Keys* keys_of(ByteView sealed) const;

    std::vector<Keys> keys_;
};

// What a request's target says: "/u/<token>/<name>" or "/c/<token>/<name>". Views into it.
struct DoorTarget {
    Way way;
    std::string_view token;
};
std::optional<DoorTarget> parse_door_target(std::string_view target);

}  // namespace sluice::backup
