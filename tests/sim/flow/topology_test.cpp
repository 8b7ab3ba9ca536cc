// What the planner chose for each site is what its devices do.
#include <gmock/gmock.h>

#include "tests/sim/flow/runs.hpp"

namespace sluice::sim::flow {
namespace {

using planning::Topology;
using scenario::Distribution;
using scenario::Scenario;
using scenario::Strategy;
using scenario::TopologyRule;

Scenario ten_sites() {
    auto s = ideal();
    s.devices = 200;
    s.site_size = Distribution::constant(20);
    s.swarm_share = 1;
    return s;
}

std::uint64_t sites(const Outcome& outcome, Topology topology) {
    return outcome.topologies[static_cast<std::size_t>(topology)];
}

TEST(Topologies, AreCountedAsPlanned) {
    auto s = ten_sites();
    for (const auto rule : {TopologyRule::star, TopologyRule::chain, TopologyRule::swarm}) {
        s.topology = rule;
        const auto topology = static_cast<Topology>(static_cast<int>(rule) - 1);
        EXPECT_EQ(sites(run(s, Strategy::planned), topology), 10u);
    }
    s.topology = TopologyRule::planned;
    EXPECT_EQ(sites(run(s, Strategy::planned), Topology::swarm), 0u) << "steady sites";
    EXPECT_EQ(sites(run(s, Strategy::star), Topology::star), 0u) << "nobody planned that";
}

TEST(Topologies, OfSwarmsAreSimulatedAsSwarms) {
    auto s = ten_sites();
    s.topology = TopologyRule::swarm;
    EXPECT_EQ(run(s, Strategy::planned).done_at, run(s, Strategy::swarm).done_at);
    s.swarm_share = 0;
    EXPECT_EQ(sites(run(s, Strategy::planned), Topology::swarm), 0u) << "none of them can";
}

}  // namespace
}  // namespace sluice::sim::flow
