#pragma once
// The scenario's fleet as a world of hosts: the links they hang on, and each one's Assignment as
// the planner makes it, with its sources in the strategy's order. Hosts are numbered as devices.

#include "sim/flow/outcome.hpp"
#include "sim/flow/plans.hpp"
#include "sim/world/site.hpp"

namespace sluice::sim::session {

Result<world::SiteSpec> site_spec(const scenario::Scenario& scenario,
                                  const flow::Population& population, const flow::Plans& plans,
                                  scenario::Strategy strategy, std::uint64_t seed,
                                  const std::vector<double>& starts_at);

}  // namespace sluice::sim::session
