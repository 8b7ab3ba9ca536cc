#include "engine/image/key_file.hpp"

#include <algorithm>

namespace sluice::image {
namespace {

constexpr std::size_t kMaxKeyFile = 4096;

// RFC 8410 §7: SEQUENCE { 0, { 1.3.101.112 }, OCTET STRING { OCTET STRING (32) } }.
constexpr std::array<std::uint8_t, 16> kPrivatePrefix = {0x30, 0x2e, 2,    1,    0,    0x30, 5, 6,
                                                         3,    0x2b, 0x65, 0x70, 0x04, 0x22, 4, 32};
// RFC 8410 §4: SEQUENCE { { 1.3.101.112 }, BIT STRING (32 bytes) }.
constexpr std::array<std::uint8_t, 12> kPublicPrefix = {0x30, 0x2a, 0x30, 5,    6,    3,
                                                        0x2b, 0x65, 0x70, 0x03, 0x21, 0};

std::string begin_of(std::string_view label) {
    return "-----BEGIN " + std::string(label) + "-----";
}
std::string end_of(std::string_view label) {
    return "-----END " + std::string(label) + "-----";
}

std::string to_pem(std::string_view label, ByteView prefix, ByteView raw) {
    Bytes der(prefix.begin(), prefix.end());
    der.insert(der.end(), raw.begin(), raw.end());
    return begin_of(label) + "\n" + to_base64(der) + "\n" + end_of(label) + "\n";
}

// The 32 bytes behind `prefix`.
Result<Bytes> parse_pem(std::string_view text, std::string_view label, ByteView prefix) {
    if (text.size() > kMaxKeyFile) return Error{"too large for a key file"};
    const auto begin = begin_of(label);
    const auto from = text.find(begin);
    if (from == std::string_view::npos) return Error{"has no '" + begin + "' line"};
    const auto body_at = from + begin.size();
    const auto to = text.find(end_of(label), body_at);
    if (to == std::string_view::npos) return Error{"has no '" + end_of(label) + "' line"};
    std::string body(text.substr(body_at, to - body_at));
    std::erase_if(body, [](char c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; });
    const auto der = from_base64(body);
    if (!der || der->size() != prefix.size() + 32 ||
        !std::equal(prefix.begin(), prefix.end(), der->begin()))
        return Error{"is not an unencrypted Ed25519 key"};
    return Bytes(der->end() - 32, der->end());
}

}  // namespace

std::string to_private_pem(const SigningKey& key) {
    return to_pem("PRIVATE KEY", kPrivatePrefix, key.seed());
}

std::string to_public_pem(const PublicKey& key) {
    return to_pem("PUBLIC KEY", kPublicPrefix, key.bytes);
}

Result<SigningKey> parse_private_pem(std::string_view text) {
    SLUICE_TRY(const auto seed, parse_pem(text, "PRIVATE KEY", kPrivatePrefix));
    return std::move(*SigningKey::from_seed(seed));
}

Result<PublicKey> parse_public_pem(std::string_view text) {
    SLUICE_TRY(const auto raw, parse_pem(text, "PUBLIC KEY", kPublicPrefix));
    PublicKey key;
    std::copy(raw.begin(), raw.end(), key.bytes.begin());
    if (is_weak(key)) return Error{"is a weak key: anybody could sign for it"};
    return key;
}

}  // namespace sluice::image
