#pragma once
// When power goes and comes back, drawn: the same moments for either fidelity.

#include <optional>
#include <vector>

#include "sim/scenario/scenario.hpp"

namespace sluice::sim::flow {

struct Outage {
    double from, to;
};
// Of a device, within a week of its order.
std::vector<Outage> outages_of(const scenario::Scenario& scenario, std::uint64_t seed,
                               std::uint32_t device, double starts_at);

// The verified pieces a group's master has when it dies; nothing: it lives. `group` is of the
// plans.
std::optional<std::uint32_t> death_of_master(const scenario::Scenario& scenario, std::uint64_t seed,
                                             std::uint32_t group);

}  // namespace sluice::sim::flow
