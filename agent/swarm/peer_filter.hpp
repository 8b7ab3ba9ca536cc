#pragma once
// Who may connect, and be connected to: the peers of the Assignment and nobody else.

#include <vector>

#include "engine/planning/plan.hpp"

namespace libtorrent {
struct ip_filter;
}

namespace sluice::agent::swarm {

libtorrent::ip_filter filter_of(const std::vector<planning::SwarmPeer>& peers);

}  // namespace sluice::agent::swarm
