#pragma once
// When each device gets its order: the rollout's waves, the fleet's informs or the ACS's calls, and
// the rule that a slave gets none before one of its planned sources has one.

#include <vector>

#include "sim/flow/plans.hpp"

namespace sluice::sim::flow {

// By device, in seconds after the rollout began. The scenario is check()ed.
std::vector<double> start_times(const scenario::Scenario& scenario, const Population& population,
                                const Plans& plans, std::uint64_t seed);

}  // namespace sluice::sim::flow
