#pragma once
// A quantity over time in equal steps, of a run whose length nobody knows beforehand: when it gets
// longer than the columns, neighbours are merged and the step doubles. Same run, same steps.

#include <cmath>
#include <cstddef>
#include <vector>

namespace sluice::sim::flow {

class Series {
public:
    static constexpr std::size_t kSteps = 1024;

    // `rate` held from `from` to `to`: adds its integral to each step.
    void add(double from, double to, double rate) {
        if (rate == 0 || to <= from) return;
        while (to > step_ * kSteps) halve();
        if (amounts_.empty()) amounts_.resize(kSteps);
        auto at = static_cast<std::size_t>(from / step_);
        for (; from < to && at < kSteps; ++at) {
            const auto end = std::min(to, step_ * static_cast<double>(at + 1));
            if (end > from) amounts_[at] += rate * (end - from);
            from = std::max(from, end);
        }
    }
    double step() const { return step_; }
    // The mean of the rate over step `i`.
    double mean(std::size_t i) const { return i < amounts_.size() ? amounts_[i] / step_ : 0; }
    std::size_t used() const {
        auto n = amounts_.size();
        while (n > 0 && amounts_[n - 1] == 0) --n;
        return n;
    }

private:
    void halve() {
        step_ *= 2;
        for (std::size_t i = 0; i < amounts_.size(); ++i) {
            const auto a = 2 * i, b = a + 1;
            amounts_[i] =
                (a < amounts_.size() ? amounts_[a] : 0) + (b < amounts_.size() ? amounts_[b] : 0);
        }
    }

    double step_ = 1.0 / 1024;  // seconds; a power of two, so that merged steps fall together
    std::vector<double> amounts_;
};

}  // namespace sluice::sim::flow
