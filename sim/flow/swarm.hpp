#pragma once
// The one thing here that is modelled and not solved: a site that shares as a swarm.

#include <cstddef>
#include <span>

namespace sluice::sim::flow {

struct SwarmSite {
    std::size_t peers = 0;            // beside the master
    double slowest_bps = 0;           // of the ports, payload
    double piece_time = 0;            // from a piece whole to a piece passed on
    std::span<const double> arrived;  // at the master, by piece
    std::span<const double> piece_bits;
};

// When the last peer has everything: pieces spread by doubling over equal ports, a new one every
// piece time, (1 + floor(log2 N)/M) F/C for N peers and M pieces (Mundinger, Weber and Weiss 2008).
double swarm_end(const SwarmSite& site);

}  // namespace sluice::sim::flow
