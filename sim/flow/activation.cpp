#include "sim/flow/activation.hpp"

#include <algorithm>

#include "sim/flow/outcome.hpp"

namespace sluice::sim::flow {

// A device with children upgrades once they are through or drain_max is over; a site's gateway
// after all others.
std::vector<double> activation_times(const scenario::Scenario& s, const Population& population,
                                     const Plans& plans, const std::vector<double>& done_at) {
    std::vector<double> out(population.size(), kNotDone);
    const auto takes = s.install_time + s.reboot_time;
    std::vector<double> needed;
    for (std::uint32_t g = 0; g < plans.groups(); ++g) {
        const auto begin = plans.first_member[g];
        needed.assign(plans.size(g), 0);
        for (auto rank = plans.size(g); rank-- > 0;) {
            const auto d = plans.member[begin + rank];
            const auto at = done_at[d];
            if (at == kNotDone) continue;
            out[d] = std::min(std::max(at, needed[rank]), at + s.drain_max) + takes;
            const auto parent = plans.parent(begin + rank);
            if (parent != kFromOrigin) needed[parent] = std::max(needed[parent], at);
        }
    }
    for (std::uint32_t site = 0; site < population.sites(); ++site) {
        const auto gateway = population.first_device[site];
        if (out[gateway] == kNotDone) continue;
        const auto latest = done_at[gateway] + s.drain_max + takes;
        for (auto d = gateway + 1; d < population.first_device[site + 1]; ++d)
            if (out[d] != kNotDone)
                out[gateway] = std::max(out[gateway], std::min(out[d] + takes, latest));
    }
    return out;
}

}  // namespace sluice::sim::flow
