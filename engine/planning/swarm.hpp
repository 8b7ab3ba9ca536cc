#pragma once
// Whether a site shares by a swarm, and who is in it. The prediction beside the one of shape.hpp,
// so that the two can be compared: the last device of a swarm is done at
//   max(F/inflow, F/slowest downlink, kSharing · N·F/(inflow + sum of uplinks)) · kOverhead
//     + log2(N) · piece/mean uplink, and what the first device's own departures cost
// A peer that leaves costs nobody else: its pieces are had elsewhere. kOverhead is what a lab of
// ten hosts took over the bound, kSharing what thirty took beside where all their ports are needed
// (docs/SWARM.md).

#include <optional>
#include <string>
#include <vector>

#include "engine/planning/shape.hpp"
#include "engine/planning/site_plan.hpp"

namespace sluice::planning {

// Seconds; of all of the site, those that take part by HTTP alone too.
double swarm_forecast(const ShapeInput& input);

struct TopologyChoice {
    Topology topology = Topology::star;
    std::string why;
};

// `members`: in rank order, `input` over the first of them that share; `shape` the best of shapes.
TopologyChoice choose_topology(const ShapeInput& input, const Shape& shape,
                               const std::vector<PlanMember>& members,
                               const PlanningPolicy& policy);

// Whether it may be in a swarm: it may serve, says where, can, and has the memory.
bool may_swarm(const PlanMember& member, const SwarmRules& rules);

// Brings a leader that may swarm to the front; nothing when there is none, or no need.
void lead_swarm(std::vector<PlanMember>& members, const SwarmRules& rules);

// Who watches whom, and takes by HTTP: members of the swarm the first device, the others are
// dealt out over members of the swarm ranked before them.
Shape swarm_shape(const ShapeInput& input, const std::vector<PlanMember>& members,
                  const SwarmRules& rules);

// Peers that a device gives to at a time: all that it is connected to. Whoever has a piece that the
// others lack is asked for it by all of them, and a master offers each piece to one alone.
inline constexpr std::uint32_t kSwarmSlots = 16;

// Each member's port and peers.
void name_peers(std::vector<MemberPlan>& members, const PlanningPolicy& policy);

}  // namespace sluice::planning
