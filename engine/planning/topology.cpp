#include "engine/planning/topology.hpp"

#include <algorithm>
#include <array>

namespace sluice::planning {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"star", "chain", "tree", "swarm"};

}  // namespace

std::string_view name_of(Topology topology) {
    return kNames[static_cast<std::size_t>(topology)];
}

std::optional<Topology> parse_topology(std::string_view name) {
    const auto found = std::find(kNames.begin(), kNames.end(), name);
    if (found == kNames.end()) return std::nullopt;
    return static_cast<Topology>(found - kNames.begin());
}

}  // namespace sluice::planning
