#pragma once
// A sum that terms enter and leave for hours without drifting: the rounding of each addition is
// kept beside it (Neumaier's variant of Kahan's summation).

#include <cmath>

namespace sluice::sim::network {

class ExactSum {
public:
    void add(double term) {
        const double sum = sum_ + term;
        rest_ += std::abs(sum_) >= std::abs(term) ? (sum_ - sum) + term : (term - sum) + sum_;
        sum_ = sum;
    }
    double value() const { return sum_ + rest_; }
    void clear() { sum_ = rest_ = 0; }

private:
    double sum_ = 0;
    double rest_ = 0;
};

}  // namespace sluice::sim::network
