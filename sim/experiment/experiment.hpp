#pragma once
// A scenario with one seed, from draw to outcomes: one population, one plan, every strategy over
// both, so that strategies differ in nothing else. And its figures, by name, as tables want them.

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "sim/flow/simulation.hpp"

namespace sluice::sim::experiment {

using flow::Bound;
using flow::Outcome;

struct Experiment {
    std::uint64_t seed = 0;
    std::uint32_t devices = 0;
    std::uint32_t sites = 0;
    std::uint32_t groups = 0;
    double sharing_sites = 0;  // share of sites with two or more devices of one model
    Bound bound;
    std::vector<Outcome> outcomes;  // in the scenario's order of strategies
    double seconds_planning = 0;    // wall time; never written into results
    std::size_t planner_bytes = 0;
};

// `progress` is told parts of 1.
Result<Experiment> run_experiment(const scenario::Scenario& scenario, std::uint64_t seed,
                                  const std::function<void(double)>& progress);

// What a run needs at most, roughly: shown before it starts.
std::size_t estimate_bytes(const scenario::Scenario& scenario);

struct Figure {
    std::string_view name;  // "last_done_s"
    double (*of)(const Experiment&, const Outcome&);
};
// What sweeps tabulate.
std::span<const Figure> figures();

}  // namespace sluice::sim::experiment
