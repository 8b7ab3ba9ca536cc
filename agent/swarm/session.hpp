#pragma once
// A Membership by libtorrent (BitTorrent v2): a session on the agent's own I/O thread whose disk
// is the piece store that HTTP serves from.

#include "agent/membership.hpp"

namespace sluice::agent::swarm {

// For swarm_by(). An address or a port that cannot be listened on leaves a member that connects to
// others and cannot be connected to; the log says so.
std::unique_ptr<Membership> join(const MembershipParts& parts, const planning::SwarmTerms& terms,
                                 MembershipListener& listener);

}  // namespace sluice::agent::swarm
