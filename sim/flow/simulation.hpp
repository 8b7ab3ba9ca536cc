#pragma once
// One run of the `flow` fidelity: what the plans say, carried by fluid flows. The WAN is a tree and
// solved as one; a quiet group's LAN is solved in one go once its master's piece times stand
// (pipeline.hpp); a group in which something fails, or whose LAN is one air, is run event by event
// (eventful.hpp). Decides nothing of its own: source order and origin delays are the planner's,
// silence and retry times engine/transfer's.

#include <functional>
#include <memory>

#include "sim/flow/outcome.hpp"
#include "sim/flow/plans.hpp"

namespace sluice::sim::flow {

struct RunOptions {
    scenario::Strategy strategy = scenario::Strategy::planned;
    std::uint64_t seed = 1;
    bool all_eventful = false;  // every group event by event: slow, for comparison
    // Told devices done so far, now and then.
    std::function<void(std::uint64_t)> progress;
};

// `plans` are those of the strategy (reshape).
Outcome simulate(const scenario::Scenario& scenario, const Population& population,
                 const Plans& plans, const RunOptions& options);

// max{F/u_origin, F/d_min, N F/(u_origin + Σ u_i)} on payload rates, from the first order on; and
// the copies that have to come from outside.
Bound lower_bound(const scenario::Scenario& scenario, const Population& population,
                  const Plans& plans);

}  // namespace sluice::sim::flow
