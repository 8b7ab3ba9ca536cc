#include "sim/network/progressive_filling.hpp"

#include <algorithm>

namespace sluice::sim::network {
namespace {

// Levels this close are one: shares of one link differ by the rounding of a few additions.
constexpr double kSameLevel = 1e-14;

bool at_most(double a, double b) {
    return a <= b * (1 + kSameLevel);
}

}  // namespace

void ProgressiveFilling::solve(std::span<const double> capacity, std::span<Demand> demands) {
    if (loads_.size() < capacity.size()) loads_.resize(capacity.size());
    used_.clear();
    rising_.clear();
    for (std::uint32_t i = 0; i < demands.size(); ++i) {
        rising_.push_back(i);
        for (const auto link : demands[i].route.all()) {
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
        // All are judged before one is stopped: that would change the test for the next.
        const auto stopped =
            std::stable_partition(rising_.begin(), rising_.end(),
                                  [&](std::uint32_t i) { return !stops_at(demands[i], level); });
        for (auto it = stopped; it != rising_.end(); ++it) {
            auto& demand = demands[*it];
            demand.rate = level;
            for (const auto link : demand.route.all()) {
                auto& load = loads_[link.value];
                load.left = std::max(0.0, load.left - level);
                --load.rising;
            }
        }
        rising_.erase(stopped, rising_.end());
    }
    for (const auto link : used_) loads_[link.value].is_listed = false;
}

double ProgressiveFilling::next_level(std::span<const Demand> demands) const {
    auto level = kUnlimited;
    for (const auto link : used_) {
        const auto& load = loads_[link.value];
        if (load.rising > 0) level = std::min(level, load.left / load.rising);
    }
    for (const auto i : rising_) level = std::min(level, demands[i].cap);
    return level;
}

bool ProgressiveFilling::stops_at(Demand& demand, double level) const {
    demand.binding.reset();
    if (at_most(demand.cap, level)) return true;
    for (const auto link : demand.route.all()) {
        const auto& load = loads_[link.value];
        if (!at_most(load.left / load.rising, level)) continue;
        demand.binding = link;
        return true;
    }
    return false;
}

}  // namespace sluice::sim::network
