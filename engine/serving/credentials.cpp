#include "engine/serving/credentials.hpp"

#include <algorithm>
#include <charconv>
#include <cryptopp/hkdf.h>
#include <cryptopp/hmac.h>
#include <cryptopp/sha.h>

namespace sluice::serving {
namespace {

constexpr std::string_view kVersion = "s1.";
constexpr std::string_view kPurpose = "sluice-peer-v1";
constexpr std::size_t kMaxExpiryDigits = 10;  // beyond the year 30000

bool is_word_char(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-';
}
bool is_word(std::string_view text, bool may_have_dots) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return is_word_char(c) || (may_have_dots && c == '.');
    });
}

// One text a time: lower case, no leading zero.
std::optional<UtcTime> parse_expiry(std::string_view hex) {
    const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    if (hex.empty() || hex.size() > kMaxExpiryDigits || hex.front() == '0' ||
        !std::all_of(hex.begin(), hex.end(), is_digit))
        return std::nullopt;
    UtcTime out;
    std::from_chars(hex.data(), hex.data() + hex.size(), out.seconds, 16);
    return out;
}

std::string password_of(const Key& master_key, const image::ImageId& image,
                        std::string_view username) {
    static constexpr std::uint8_t kZero = 0;
    CryptoPP::HMAC<CryptoPP::SHA256> mac(master_key.data(), master_key.size());
    mac.Update(as_bytes(kPurpose).data(), kPurpose.size());
    mac.Update(&kZero, 1);
    mac.Update(image.digest.bytes.data(), image.digest.bytes.size());
    mac.Update(&kZero, 1);
    mac.Update(as_bytes(username).data(), username.size());
    std::array<std::uint8_t, 32> tag;
    mac.Final(tag.data());
    return to_base64url(tag).substr(0, kPasswordSize);
}

}  // namespace

Key derive_master_key(ByteView rollout_key, std::string_view master_id) {
    Key out;
    CryptoPP::HKDF<CryptoPP::SHA256>().DeriveKey(out.data(), out.size(), rollout_key.data(),
                                                 rollout_key.size(), nullptr, 0,
                                                 as_bytes(master_id).data(), master_id.size());
    return out;
}

std::optional<Key> key_from_hex(std::string_view text) {
    const auto raw = from_hex(text);
    Key out;
    if (!raw || raw->size() != out.size()) return std::nullopt;
    std::copy(raw->begin(), raw->end(), out.begin());
    return out;
}

std::optional<PeerName> parse_username(std::string_view username) {
    if (username.size() > kMaxUsername || !username.starts_with(kVersion)) return std::nullopt;
    username.remove_prefix(kVersion.size());
    const auto first_dot = username.find('.');
    const auto last_dot = username.rfind('.');
    if (first_dot == std::string_view::npos || first_dot == last_dot) return std::nullopt;
    const auto rollout = username.substr(0, first_dot);
    const auto tag = username.substr(first_dot + 1, last_dot - first_dot - 1);
    const auto expires = parse_expiry(username.substr(last_dot + 1));
    if (rollout.size() > kMaxRollout || !is_word(rollout, false) || !is_word(tag, true) || !expires)
        return std::nullopt;
    return PeerName{std::string(rollout), std::string(tag), *expires};
}

Result<PeerCredentials> mint(const Key& master_key, const image::ImageId& image,
                             const PeerName& name) {
    char expiry[20];
    const auto end = std::to_chars(expiry, expiry + sizeof expiry, name.expires.seconds, 16).ptr;
    auto username =
        std::string(kVersion) + name.rollout + "." + name.tag + "." + std::string(expiry, end);
    if (parse_username(username) != name)
        return Error{"credentials for '" + username.substr(0, kMaxUsername) +
                     "': not a peer name (rollout without dots, tag of [A-Za-z0-9._-], 96 in all)"};
    auto password = password_of(master_key, image, username);
    return PeerCredentials{std::move(username), std::move(password)};
}

std::string_view describe(CredentialFault fault) {
    switch (fault) {
        case CredentialFault::malformed:
            return "malformed username";
        case CredentialFault::forged:
            return "wrong password";
        case CredentialFault::expired:
            return "expired";
        case CredentialFault::clock_unset:
            return "the ACS has not told this device the time";
    }
    return "";
}

Result<std::string, CredentialFault> expected_password(const Key& master_key,
                                                       const image::ImageId& image,
                                                       std::string_view username) {
    if (!parse_username(username)) return CredentialFault::malformed;
    return password_of(master_key, image, username);
}

Result<void, CredentialFault> check_expiry(std::string_view username, std::optional<UtcTime> now) {
    const auto name = parse_username(username);
    if (!name) return CredentialFault::malformed;
    if (!now) return CredentialFault::clock_unset;
    if (*now >= name->expires) return CredentialFault::expired;
    return success();
}

Result<void, CredentialFault> check(const Key& master_key, const image::ImageId& image,
                                    std::string_view username, std::string_view password,
                                    std::optional<UtcTime> now) {
    SLUICE_TRY(const auto expected, expected_password(master_key, image, username));
    if (!equal_in_constant_time(as_bytes(expected), as_bytes(password)))
        return CredentialFault::forged;
    return check_expiry(username, now);
}

}  // namespace sluice::serving
