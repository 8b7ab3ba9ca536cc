#include "agent/membership.hpp"

namespace sluice::agent {
namespace {

JoinSwarm the_way = nullptr;

}  // namespace

void swarm_by(JoinSwarm join) {
    the_way = join;
}

bool can_swarm() {
    return the_way != nullptr;
}

std::unique_ptr<Membership> join_swarm(const MembershipParts& parts,
                                       const planning::SwarmTerms& terms,
                                       MembershipListener& listener) {
    return the_way == nullptr ? nullptr : the_way(parts, terms, listener);
}

}  // namespace sluice::agent
