#include <algorithm>

#include "sim/flow/simulation.hpp"

namespace sluice::sim::flow {

Bound lower_bound(const scenario::Scenario& s, const Population& population, const Plans& plans) {
    Bound out;
    const auto bits = 8 * s.image_size;
    const auto origin = s.origin_rate * s.goodput;
    double slowest = origin, uploads = 0;
    for (std::uint32_t d = 0; d < population.size(); ++d) {
        auto down = static_cast<double>(population.down_bps[d]);
        if (s.lan != scenario::LanKind::lines)
            down = std::min<double>(down, population.access_bps[population.site[d]]);
        slowest = std::min(slowest, down * s.goodput);
        uploads += population.up_bps[d] * s.goodput;
    }
    out.seconds =
        std::max({bits / origin, bits / slowest, population.size() * bits / (origin + uploads)});
    for (std::uint32_t g = 0; g < plans.groups(); ++g)
        out.origin_images += plans.size(g) - (plans.sharing[g] > 0 ? plans.sharing[g] - 1 : 0);
    // Each of those copies crosses the origin's link.
    out.seconds = std::max(out.seconds, out.origin_images * bits / origin);
    return out;
}

}  // namespace sluice::sim::flow
