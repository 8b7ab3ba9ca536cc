#include "engine/image/ed25519.hpp"

#include <cryptopp/donna.h>
#include <cryptopp/misc.h>

#include "engine/image/merkle.hpp"

// Crypto++'s functions below its signer classes: those bring big integers, ASN.1 and prime search
// into every program that checks a signature.
namespace donna = CryptoPP::Donna;

namespace sluice::image {
namespace {

// The order of the base point, little endian (RFC 8032 §5.1).
constexpr std::array<std::uint8_t, 32> kOrder = {
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};

// 2^255 - 19, little endian.
constexpr std::array<std::uint8_t, 32> kField = {
    0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};

// The y of the eight points whose order divides 8: 0, 1, -1 and the two of order 8.
constexpr std::array<std::array<std::uint8_t, 32>, 5> kSmallOrder = {{
    {},
    {1},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
     0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
     0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
     0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
     0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
}};

bool is_below(ByteView little_endian, const std::array<std::uint8_t, 32>& bound) {
    for (std::size_t i = 32; i-- > 0;)
        if (little_endian[i] != bound[i]) return little_endian[i] < bound[i];
    return false;
}

}  // namespace

Digest key_id(const PublicKey& key) {
    return sha256(key.bytes);
}

bool is_weak(const PublicKey& key) {
    auto y = key.bytes;
    y[31] &= 0x7f;  // the top bit is the sign of x
    return !is_below(y, kField) ||
           std::find(kSmallOrder.begin(), kSmallOrder.end(), y) != kSmallOrder.end();
}

std::optional<SigningKey> SigningKey::from_seed(ByteView seed) {
    if (seed.size() != kSeedLength) return std::nullopt;
    SigningKey key;
    std::copy(seed.begin(), seed.end(), key.seed_.begin());
    donna::ed25519_publickey(key.public_key_.bytes.data(), key.seed_.data());
    return key;
}

SigningKey::SigningKey(SigningKey&& other) noexcept
    : seed_(other.seed_), public_key_(other.public_key_) {
    other.wipe();
}

SigningKey& SigningKey::operator=(SigningKey&& other) noexcept {
    if (this != &other) {
        seed_ = other.seed_;
        public_key_ = other.public_key_;
        other.wipe();
    }
    return *this;
}

SigningKey::~SigningKey() {
    wipe();
}

void SigningKey::wipe() {
    CryptoPP::SecureWipeArray(seed_.data(), seed_.size());
}

SignatureBytes SigningKey::sign(ByteView message) const {
    SignatureBytes out;
    donna::ed25519_sign(message.data(), message.size(), seed_.data(), public_key_.bytes.data(),
                        out.data());
    return out;
}

Verdict verify_signature(const PublicKey& key, ByteView message, const SignatureBytes& signature) {
    if (!is_below(ByteView(signature).subspan(32), kOrder)) return Verdict::malleated;
    const int fault = donna::ed25519_sign_open(message.data(), message.size(), key.bytes.data(),
                                               signature.data());
    return fault == 0 ? Verdict::valid : Verdict::wrong;
}

}  // namespace sluice::image
