#include "engine/http/device_password.hpp"

#include <array>
#include <cryptopp/hmac.h>
#include <cryptopp/sha.h>

#include "engine/base/bytes.hpp"

namespace sluice::http {

std::string device_password(std::string_view secret, std::string_view username) {
    constexpr std::size_t kLength = 32;
    CryptoPP::HMAC<CryptoPP::SHA256> mac(as_bytes(secret).data(), secret.size());
    mac.Update(as_bytes(username).data(), username.size());
    std::array<std::uint8_t, 32> tag;
    mac.Final(tag.data());
    return to_base64url(tag).substr(0, kLength);
}

}  // namespace sluice::http
