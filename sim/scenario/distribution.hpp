#pragma once
// A quantity that differs from device to device, as one line of a scenario:
//   "100 Mbit/s"                               the same for all
//   "uniform 50 Mbit/s .. 200 Mbit/s"
//   "exponential mean 60 s"
//   "lognormal median 100 Mbit/s sigma 0.6"
//   "1: 55 %, 2: 30 %, 4: 15 %"                each value with its share; shares sum to 100 %
// Drawn by its inverse from one uniform number: one draw an entity, whatever the distribution.

#include <utility>
#include <vector>

#include "sim/scenario/quantity.hpp"

namespace sluice::sim::scenario {

class Distribution {
public:
    static Result<Distribution> parse(std::string_view text, Unit unit);
    static Distribution constant(double value);

    double quantile(double u) const;  // 0 ≤ u < 1
    double mean() const;
    double least() const;
    double most() const;  // of an unbounded one what 1 in 10^9 devices draws
    bool is_constant() const { return kind_ == Kind::constant; }
    std::string text(Unit unit) const;

private:
    enum class Kind : std::uint8_t { constant, uniform, exponential, lognormal, choice };
    Kind kind_ = Kind::constant;
    double a_ = 0;  // the value, the lower end, the mean, the median
    double b_ = 0;  // the upper end, sigma
    std::vector<std::pair<double, double>> choices_;  // value, share
};

// The inverse of the normal distribution's function; relative error below 1.2e-9 (Acklam 2003).
double normal_quantile(double p);

}  // namespace sluice::sim::scenario
