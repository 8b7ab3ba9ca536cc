#pragma once
// What a request at an agent is about: the peer protocol's paths and queries (DESIGN §5) as a
// value. A serving device parses them, a fetching one writes them.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::http {

// Longer request targets are refused before anything is looked at.
inline constexpr std::size_t kMaxTarget = 512;

enum class PeerResource : std::uint8_t { image, manifest, layer, have };

struct PeerTarget {
    std::array<std::uint8_t, 32> image_id{};
    PeerResource resource = PeerResource::image;
    // Of `have` only: answer once the source has more pieces than `after`, or another boot id than
    // `boot` (0 = the client knows none).
    std::uint32_t after = 0;
    std::uint32_t boot = 0;

    friend bool operator==(const PeerTarget&, const PeerTarget&) = default;
};

// `/v1/images/{64 hex}/{manifest|layer|have|name}`. A name is 1 to 64 of [A-Za-z0-9._-], not
// starting with a dot; nothing is percent-decoded. Query keys we do not know are ignored (a later
// minor version may add some), a known key with a bad value is not.
std::optional<PeerTarget> parse_peer_target(std::string_view target);

// The image itself is called `image.bin`.
std::string format_peer_target(const PeerTarget& target);

}  // namespace sluice::http
