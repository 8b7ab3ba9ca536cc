#pragma once
// What `run` leaves: summary.json, timeseries.csv, and on request devices.csv. Nothing in them
// depends on the machine or on how long it took: same scenario, same seed, same bytes.

#include <string>

#include "sim/experiment/experiment.hpp"

namespace sluice::sim::results {

std::string summary_json(const scenario::Scenario& scenario,
                         const experiment::Experiment& experiment);
// strategy, time_s, origin_bps (wire, mean over the step), active, done, running
std::string timeseries_csv(const scenario::Scenario& scenario,
                           const experiment::Experiment& experiment);
std::string devices_csv(const experiment::Experiment& experiment);

// Short and the same everywhere.
std::string number_text(double value);

}  // namespace sluice::sim::results
