// A site that shares by a swarm, from its plan to the Assignments of its devices.

#include <gmock/gmock.h>

#include "tests/service/acs_bench.hpp"

namespace sluice::service {
namespace {

using namespace bench;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

PlannerSettings with_swarms() {
    auto out = Bench::default_settings();
    out.fleet.planning.topology = planning::Topology::swarm;
    return out;
}

Cpe a_peer(int n) {
    auto out = an_agent(n, "hotel");
    out.report.protocols |= inventory::kSwarmV1;
    return out;
}

struct Hotel {
    Bench bench{with_swarms()};
    ImageRow image = an_image("2.0");
    std::vector<Cpe*> cpes;
    std::string rollout;

    // Agents 1 to 4 can swarm, 5 cannot.
    Hotel() {
        bench.publish(image);
        for (int n = 1; n <= 4; ++n) cpes.push_back(&bench.add(a_peer(n)));
        cpes.push_back(&bench.add(an_agent(5, "hotel")));
        rollout = bench.start(image.id);
        for (auto* cpe : cpes) bench.session(*cpe);
    }
};

TEST(SwarmSite, NamesEachMemberTheOthersAndTheRestTheirSources) {
    Hotel hotel;
    const auto member = hotel.bench.assignment(hotel.rollout, *hotel.cpes[1]);
    ASSERT_TRUE(member.swarm.has_value());
    EXPECT_EQ(member.swarm->port, 7548);
    EXPECT_EQ(member.swarm->peers.size(), 3u);
    EXPECT_THAT(member.swarm->peers, Contains(planning::SwarmPeer{"192.168.0.2", 7548}));
    EXPECT_THAT(member.swarm->peers, Not(Contains(planning::SwarmPeer{"192.168.0.3", 7548})));
    EXPECT_EQ(member.sources.front().url, "http://192.168.0.2:7547");
    const auto other = hotel.bench.assignment(hotel.rollout, *hotel.cpes[4]);
    EXPECT_FALSE(other.swarm.has_value());
    EXPECT_EQ(other.sources.front().kind, planning::SourceKind::peer);
}

TEST(SwarmSite, IsTheSameAfterARestart) {
    Hotel hotel;
    const auto before = hotel.bench.assignment(hotel.rollout, *hotel.cpes[1]);
    hotel.bench.restart();
    const auto after = hotel.bench.assignment(hotel.rollout, *hotel.cpes[1]);
    ASSERT_TRUE(after.swarm.has_value());
    EXPECT_EQ(after.swarm->peers, before.swarm->peers);
}

TEST(SwarmSite, SaysItsTopologyAndTheReason) {
    Hotel hotel;
    const auto rollout = hotel.bench.planner().rollout(hotel.rollout);
    const auto& site = rollout->sites.front();
    EXPECT_EQ(site.topology, "swarm");
    EXPECT_EQ(site.topology_why, "by policy");
}

// A device that was updated to an agent without swarm, or moved out, is let in by nobody.
TEST(SwarmSite, LeavesOutWhoCanNoMoreOrIsElsewhere) {
    Hotel hotel;
    hotel.cpes[2]->report.protocols = inventory::kPeerHttpV1;
    hotel.bench.session(*hotel.cpes[2]);
    hotel.cpes[3]->site = "elsewhere";
    hotel.bench.session(*hotel.cpes[3]);
    const auto member = hotel.bench.assignment(hotel.rollout, *hotel.cpes[1]);
    EXPECT_THAT(member.swarm->peers,
                testing::ElementsAre(planning::SwarmPeer{"192.168.0.2", 7548}));
    EXPECT_FALSE(hotel.bench.assignment(hotel.rollout, *hotel.cpes[2]).swarm.has_value());
}

TEST(SwarmSite, IsToldApartFromOneOfFixedOrders) {
    Bench bench;
    const auto image = an_image("2.0");
    bench.publish(image);
    auto& a = bench.add(a_peer(1));
    auto& b = bench.add(a_peer(2));
    const auto rollout = bench.start(image.id);
    for (auto* cpe : {&a, &b}) bench.session(*cpe);
    EXPECT_FALSE(bench.assignment(rollout, b).swarm.has_value());
    const auto view = bench.planner().rollout(rollout);
    const auto& site = view->sites.front();
    EXPECT_EQ(site.topology, "star");
    EXPECT_THAT(site.topology_why, HasSubstr("no swarm: 2 of 2 devices can"));
}

}  // namespace
}  // namespace sluice::service
