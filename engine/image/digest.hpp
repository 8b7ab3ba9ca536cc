#pragma once
// SHA-256 digests and the id of an image. Both are compared, hashed and printed; neither is
// computed here.

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/bytes.hpp"

namespace sluice::image {

struct Digest {
    std::array<std::uint8_t, 32> bytes{};
    friend auto operator<=>(const Digest&, const Digest&) = default;

    std::string hex() const { return to_hex(bytes); }
    // 64 hex digits, or nothing.
    static std::optional<Digest> from_hex(std::string_view text) {
        const auto raw = sluice::from_hex(text);
        if (!raw || raw->size() != 32) return std::nullopt;
        Digest out;
        std::copy(raw->begin(), raw->end(), out.bytes.begin());
        return out;
    }
};

// The BitTorrent v2 info-hash of the image's info-dict (DESIGN §4): the same on every device.
struct ImageId {
    Digest digest;
    friend auto operator<=>(const ImageId&, const ImageId&) = default;
    std::string hex() const { return digest.hex(); }
};

}  // namespace sluice::image

template <>
struct std::hash<sluice::image::ImageId> {
    std::size_t operator()(const sluice::image::ImageId& id) const noexcept {
        std::size_t h = 0;
        std::memcpy(&h, id.digest.bytes.data(), sizeof h);
        return h;
    }
};
