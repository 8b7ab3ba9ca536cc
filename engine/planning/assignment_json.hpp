#pragma once
// The Assignment on the wire: application/vnd.sluice.assignment.v1+json. Written by whoever
// composes Assignments (the ACS, `sluice plan`), read by the agent. A reader of version 1 ignores
// keys it does not know; everything it knows is checked and bounded. Text that came from to_json
// parses to the same value.

#include <string>
#include <string_view>

#include "engine/base/result.hpp"
#include "engine/planning/plan.hpp"

namespace sluice::planning {

inline constexpr std::size_t kMaxAssignmentBytes = 256 * 1024;

Result<Assignment> parse_assignment(std::string_view text);
std::string to_json(const Assignment& assignment);

// Its `swarm` section alone: what a device keeps to give on by after a restart.
Result<SwarmTerms> parse_swarm(std::string_view text);
std::string to_json(const SwarmTerms& swarm);

}  // namespace sluice::planning
