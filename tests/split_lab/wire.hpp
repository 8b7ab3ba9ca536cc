#pragma once
// TCP packets as frames on a cable, and back. Every packet carries a number of the test's in its
// urgent pointer, which nobody looks at while URG is not set.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/split/packet.hpp"

namespace sluice::split::lab {

using Mac = std::array<std::uint8_t, 6>;

struct Segment {
    Packet packet;
    std::uint32_t seq = 0;
    std::uint32_t ack = 0;
    std::uint16_t payload_bytes = 0;
    std::uint16_t id = 0;
};

std::vector<std::uint8_t> frame_of(const Segment& segment, const Mac& from, const Mac& to);
// Nothing for what is not a TCP packet of ours.
std::optional<Segment> segment_of(std::span<const std::uint8_t> frame);

}  // namespace sluice::split::lab
