#include "sim/flow/statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace sluice::sim::flow {
namespace {

// Student's t, two-sided 95 %, by degrees of freedom from 1; beyond, Cornish and Fisher's series.
double t95(std::size_t degrees) {
    static constexpr std::array kTable{12.706, 4.303, 3.182, 2.776, 2.571,
                                       2.447,  2.365, 2.306, 2.262, 2.228};
    if (degrees <= kTable.size()) return kTable[degrees - 1];
    constexpr double z = 1.959963985;
    const auto n = static_cast<double>(degrees);
    return z + (z * z * z + z) / (4 * n) +
           (5 * std::pow(z, 5) + 16 * z * z * z + 3 * z) / (96 * n * n);
}

}  // namespace

Interval interval_of(std::span<const double> samples) {
    Interval out;
    const auto n = static_cast<double>(samples.size());
    for (const auto x : samples) out.mean += x / n;
    if (samples.size() < 2) {
        out.half_width = std::numeric_limits<double>::infinity();
        return out;
    }
    double squares = 0;
    for (const auto x : samples) squares += (x - out.mean) * (x - out.mean);
    out.half_width = t95(samples.size() - 1) * std::sqrt(squares / (n - 1) / n);
    return out;
}

double quantile_of(std::span<const double> sorted, double q) {
    if (sorted.empty()) return 0;
    const auto rank = std::ceil(q * static_cast<double>(sorted.size()));
    const auto at = static_cast<std::size_t>(std::max(1.0, rank)) - 1;
    return sorted[std::min(at, sorted.size() - 1)];
}

}  // namespace sluice::sim::flow
