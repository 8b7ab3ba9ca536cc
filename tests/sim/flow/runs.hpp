#pragma once
// A scenario from draw to outcome in one call, as the tests of this folder want it.

#include "sim/flow/simulation.hpp"

namespace sluice::sim::flow {

// No headers, no delays: what equations speak of.
inline scenario::Scenario ideal() {
    scenario::Scenario s;
    s.goodput = 1;
    s.devices = 20;
    return s;
}

inline Outcome run(const scenario::Scenario& s, scenario::Strategy strategy, std::uint64_t seed = 1,
                   bool all_eventful = false) {
    const auto population = draw_population(s, seed);
    auto plans = make_plans(s, population, seed, {}).value();
    reshape(plans, strategy, static_cast<std::uint32_t>(s.fan_out));
    RunOptions options;
    options.strategy = strategy;
    options.seed = seed;
    options.all_eventful = all_eventful;
    return simulate(s, population, plans, options);
}

}  // namespace sluice::sim::flow
