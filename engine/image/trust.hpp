#pragma once
// Whom a device believes: trust.json, the pinned keys and how many of them must sign. It comes
// with the device, and is replaced only by one that the keys in force have signed for. A DSSE
// envelope of type kTrustType with this payload (unknown keys are ignored):
//
//   {"version":1,"threshold":2,
//    "keys":[{"keyid":"<64 hex>","key":"<64 hex: raw Ed25519>","name":"release 2026"}]}

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/image/dsse.hpp"

namespace sluice::image {

inline constexpr std::string_view kTrustType = "application/vnd.sluice.trust.v1+json";
inline constexpr std::size_t kMaxPinnedKeys = 16;

struct PinnedKey {
    PublicKey key;
    std::string name;  // for people
    friend bool operator==(const PinnedKey&, const PinnedKey&) = default;
};

struct Trust {
    std::uint32_t version = 1;    // rises with every replacement
    std::uint32_t threshold = 1;  // distinct keys that must sign, 1 to keys.size()
    std::vector<PinnedKey> keys;

    const PinnedKey* find(const Digest& keyid) const;
    friend bool operator==(const Trust&, const Trust&) = default;
};

// trust.json as it lies on the device. Its place is what is trusted, so only that it is whole is
// checked: its own threshold must have signed it, and no key is weak.
Result<Trust, Refused> load_trust(std::string_view envelope);

// Rotation. `candidate` must be newer, and signed both by the threshold of the keys in force (they
// agree) and by its own (the new keys exist and are held; nobody locks himself out). The caller
// stores the very bytes of `candidate`.
Result<Trust, Refused> accept_trust(const Trust& current, std::string_view candidate);

// A trust file that still lacks signatures: key holders on other machines add theirs with
// add_signatures (dsse.hpp). No device takes it before.
Result<std::string, Refused> draft_trust(const Trust& trust, std::span<const SigningKey> signers);

// The first trust file is signed by its own keys; a later one also by the keys it replaces.
// Refused when it breaks a rule of load_trust.
Result<std::string, Refused> make_trust(const Trust& trust, std::span<const SigningKey> signers);

// At least `trust.threshold` distinct pinned keys signed this envelope. Signatures of keys that are
// not pinned count for nothing; a wrong one by a pinned key refuses the whole envelope.
Result<void, Refused> check_signatures(const Envelope& envelope, const Trust& trust);

}  // namespace sluice::image
