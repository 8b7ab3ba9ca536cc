#include "sim/flow/swarm.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::sim::flow {

double swarm_end(const SwarmSite& site) {
    double at = 0;
    for (std::size_t k = 0; k < site.piece_bits.size(); ++k)
        at =
            std::max(at, site.arrived[k] + site.piece_time) + site.piece_bits[k] / site.slowest_bps;
    const auto rounds = std::floor(std::log2(std::max<double>(1, static_cast<double>(site.peers))));
    return at + rounds * (site.piece_bits.front() / site.slowest_bps + site.piece_time) +
           site.piece_time;
}

}  // namespace sluice::sim::flow
