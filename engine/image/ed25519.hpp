#pragma once
// Ed25519 (RFC 8032), and what it takes to use it without surprises: keys are pinned, small-order
// and non-canonical ones are refused, and so are signatures with S ≥ L, which Crypto++ would let
// pass. Entropy never comes from here: a key starts as 32 random bytes that a shell hands in.

#include <array>
#include <optional>

#include "engine/base/bytes.hpp"
#include "engine/image/digest.hpp"

namespace sluice::image {

struct PublicKey {
    std::array<std::uint8_t, 32> bytes{};
    friend auto operator<=>(const PublicKey&, const PublicKey&) = default;
};

using SignatureBytes = std::array<std::uint8_t, 64>;

// SHA-256 of the raw key: what envelopes and trust files call it.
Digest key_id(const PublicKey& key);

// Small order (anybody can sign for it) or a y that is not reduced (two texts, one key).
bool is_weak(const PublicKey& key);

// A private key. Wiped when it goes; never printed.
class SigningKey {
public:
    static constexpr std::size_t kSeedLength = 32;
    // Nothing unless `seed` has 32 bytes.
    static std::optional<SigningKey> from_seed(ByteView seed);
    SigningKey(SigningKey&&) noexcept;
    SigningKey& operator=(SigningKey&&) noexcept;
    ~SigningKey();

    const PublicKey& public_key() const { return public_key_; }
    const std::array<std::uint8_t, kSeedLength>& seed() const { return seed_; }
    SignatureBytes sign(ByteView message) const;

private:
    SigningKey() = default;
    void wipe();

    std::array<std::uint8_t, kSeedLength> seed_{};
    PublicKey public_key_;
};

enum class Verdict : std::uint8_t { valid, wrong, malleated };
Verdict verify_signature(const PublicKey& key, ByteView message, const SignatureBytes& signature);

}  // namespace sluice::image
