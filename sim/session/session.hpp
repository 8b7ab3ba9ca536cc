#pragma once
// The `session` fidelity: every device a sim::world host, which runs the very transfer session,
// server and planner the agent ships, connection by connection; all sites in one world behind one
// origin. Slower than `flow` by two orders of magnitude, and what `flow` is held against.

#include "sim/flow/outcome.hpp"
#include "sim/flow/plans.hpp"

namespace sluice::sim::session {

// All strategies but swarm, which only agents with sockets do; at most so many devices.
inline constexpr std::uint32_t kMaxDevices = scenario::kMaxSessions;

Result<flow::Outcome> simulate(const scenario::Scenario& scenario,
                               const flow::Population& population, const flow::Plans& plans,
                               scenario::Strategy strategy, std::uint64_t seed);

}  // namespace sluice::sim::session
