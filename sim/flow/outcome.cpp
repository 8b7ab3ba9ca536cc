#include "sim/flow/outcome.hpp"

#include <algorithm>

namespace sluice::sim::flow {

std::uint32_t Outcome::unfinished() const {
    return static_cast<std::uint32_t>(std::ranges::count(done_at, kNotDone));
}

double Outcome::last_done() const {
    double last = 0;
    for (const auto at : done_at)
        if (at != kNotDone) last = std::max(last, at);
    return last;
}

std::vector<double> Outcome::sorted_done() const {
    auto out = done_at;
    std::ranges::sort(out);
    return out;
}

}  // namespace sluice::sim::flow
