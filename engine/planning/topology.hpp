#pragma once
// How a site shares, in one word: the first thing the planner decides for it. Words of planning and
// of its views only; a device hears of sources and swarm peers, and never of a topology.

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::planning {

enum class Topology : std::uint8_t { star, chain, tree, swarm };

inline constexpr std::string_view kTopologyNames[] = {"star", "chain", "tree", "swarm"};

inline std::string_view name_of(Topology topology) {
    return kTopologyNames[static_cast<std::size_t>(topology)];
}

// When a swarm comes into question at all.
struct SwarmRules {
    std::uint32_t min_devices = 4;   // that can, the master included
    std::uint32_t min_percent = 50;  // of the devices that share
    // Of a device, where it says.
    std::uint64_t min_memory_bytes = std::uint64_t{48} << 20;
};

}  // namespace sluice::planning
