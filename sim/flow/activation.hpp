#pragma once
// When the new image runs: after the download come the slot and the reboot, and before a device
// that others take from goes away they get their time (DESIGN §5).

#include <vector>

#include "sim/flow/plans.hpp"

namespace sluice::sim::flow {

// By device; kNotDone for those that never had the image.
std::vector<double> activation_times(const scenario::Scenario& scenario,
                                     const Population& population, const Plans& plans,
                                     const std::vector<double>& done_at);

}  // namespace sluice::sim::flow
