#include "sim/world/max_min.hpp"

#include <algorithm>

namespace sluice::sim::world {
namespace {

// Levels this close are one level: sums of shares carry rounding of a few ulps.
constexpr double kSameLevel = 1e-12;

bool at_most(double a, double b) {
    return a <= b * (1 + kSameLevel);
}

}  // namespace

void MaxMinSolver::solve(std::span<const double> capacity, std::span<Demand> demands) {
    if (loads_.size() < capacity.size()) loads_.resize(capacity.size());
    used_.clear();
    rising_.clear();
    for (std::uint32_t i = 0; i < demands.size(); ++i) {
        rising_.push_back(i);
        for (const auto link : demands[i].path.all()) {
            auto& load = loads_[link.value];
            if (!load.is_listed) {
                load = {capacity[link.value], 0, true};
                used_.push_back(link);
            }
            ++load.rising;
        }
    }
    while (!rising_.empty()) {
        const auto level = next_level(demands);
        // Decide for all flows first: stopping one must not change the test for the next.
        const auto stopped =
            std::stable_partition(rising_.begin(), rising_.end(),
                                  [&](std::uint32_t i) { return !stops_at(demands[i], level); });
        for (auto it = stopped; it != rising_.end(); ++it) {
            auto& demand = demands[*it];
            demand.rate = level;
            for (const auto link : demand.path.all()) {
                auto& load = loads_[link.value];
                load.left = std::max(0.0, load.left - level);
                --load.rising;
            }
        }
        rising_.erase(stopped, rising_.end());
    }
    for (const auto link : used_) loads_[link.value].is_listed = false;
}

double MaxMinSolver::next_level(std::span<const Demand> demands) const {
    auto level = std::numeric_limits<double>::infinity();
    for (const auto link : used_) {
        const auto& load = loads_[link.value];
        if (load.rising > 0) level = std::min(level, load.left / load.rising);
    }
    for (const auto i : rising_) level = std::min(level, demands[i].cap);
    return level;
}

bool MaxMinSolver::stops_at(const Demand& demand, double level) const {
    if (at_most(demand.cap, level)) return true;
    return std::ranges::any_of(demand.path.all(), [&](LinkIndex link) {
        const auto& load = loads_[link.value];
        return at_most(load.left / load.rising, level);
    });
}

}  // namespace sluice::sim::world
