#pragma once
// Once is never enough: means of independent replications with their 95 % intervals.

#include <span>

namespace sluice::sim::flow {

struct Interval {
    double mean = 0;
    double half_width = 0;  // of the 95 % interval (Student's t); infinite for one sample
};

Interval interval_of(std::span<const double> samples);
// Of a sorted column; q within 0 and 1, nearest rank.
double quantile_of(std::span<const double> sorted, double q);

}  // namespace sluice::sim::flow
