#include "acs-plugin/rest/webhook_signature.hpp"

#include <array>
#include <cryptopp/hmac.h>
#include <cryptopp/sha.h>

namespace sluice::rest {
namespace {

constexpr std::string_view kPrefix = "whsec_";
constexpr std::size_t kShortest = 24, kLongest = 64;

std::optional<Bytes> key_of(std::string_view secret) {
    if (!secret.starts_with(kPrefix)) return std::nullopt;
    return from_base64(secret.substr(kPrefix.size()));
}

}  // namespace

std::string webhook_secret(std::span<const std::uint8_t, 32> random) {
    return std::string(kPrefix) + to_base64(random);
}

bool is_webhook_secret(std::string_view secret) {
    const auto key = key_of(secret);
    return key && key->size() >= kShortest && key->size() <= kLongest;
}

std::string webhook_signature(std::string_view secret, std::string_view id,
                              std::string_view timestamp, std::string_view body) {
    const auto key = key_of(secret).value_or(Bytes{});
    CryptoPP::HMAC<CryptoPP::SHA256> mac(key.data(), key.size());
    for (const auto part : {id, std::string_view("."), timestamp, std::string_view("."), body}) {
        const auto bytes = as_bytes(part);
        mac.Update(bytes.data(), bytes.size());
    }
    std::array<std::uint8_t, CryptoPP::SHA256::DIGESTSIZE> out{};
    mac.Final(out.data());
    return "v1," + to_base64(out);
}

}  // namespace sluice::rest
