// When a site shares by a swarm, and who is in it.
#include "engine/planning/swarm.hpp"

#include <gmock/gmock.h>

namespace sluice::planning {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kMega = 1'000'000;

PlanMember a_member(std::uint32_t i, std::uint64_t lan_mbps) {
    PlanMember m;
    m.name = "d" + std::to_string(i);
    m.url = "http://10.0.0." + std::to_string(i + 2) + ":7547";
    m.port = {lan_mbps * kMega, lan_mbps * kMega};
    m.part = i == 0 ? Part::master : (i < 3 ? Part::stand_in : Part::relay);
    m.can_swarm = true;
    return m;
}

std::vector<PlanMember> a_site(std::uint32_t count, std::uint64_t lan_mbps) {
    std::vector<PlanMember> out;
    for (std::uint32_t i = 0; i < count; ++i) out.push_back(a_member(i, lan_mbps));
    return out;
}

SitePlan plan_of(std::vector<PlanMember> members, std::uint64_t inflow_mbps,
                 double departures_per_hour, const PlanningPolicy& policy = {}) {
    Job job;
    job.rollout = "r1";
    job.length = 8 << 20;
    job.piece_length = 32 * 1024;
    job.image_url = "http://198.51.100.7/fw.bin";
    const SiteLinks links{inflow_mbps * kMega, 1000 * kMega, departures_per_hour};
    auto plan = make_plan(job, links, std::move(members), policy);
    EXPECT_TRUE(plan.has_value()) << plan.error().message;
    return plan.value();
}

PlanningPolicy forced(Topology topology) {
    PlanningPolicy out;
    out.topology = topology;
    return out;
}

std::vector<std::string> in_swarm(const SitePlan& plan) {
    std::vector<std::string> out;
    for (const auto& m : plan.members)
        if (m.assignment.swarm) out.push_back(m.member.name);
    return out;
}

// Ten hosts behind 100 Mbit/s took 1.09 times the bare bytes' time, thirty on links of 25 Mbit/s
// 1.27 (docs/SWARM.md).
TEST(SwarmForecast, IsWhatTheLabMeasured) {
    ShapeInput in;
    in.length = 32 << 20;
    in.piece_length = 128 * 1024;
    in.inflow_bps = 100 * kMega;
    in.ports.assign(10, {1000 * kMega, 1000 * kMega});
    const auto bare = 32.0 * 1024 * 1024 * 8 / 100e6;
    EXPECT_NEAR(swarm_forecast(in) / bare, 1.09, 0.005);
    in.ports[4].down_bps = 50 * kMega;  // nobody is done before his own link
    EXPECT_NEAR(swarm_forecast(in) / bare, 2.18, 0.01);
    in.length = 8 << 20;
    in.piece_length = 32 * 1024;
    in.inflow_bps = 25 * kMega;
    in.ports.assign(30, {25 * kMega, 25 * kMega});
    EXPECT_NEAR(swarm_forecast(in) / (8.0 * 1024 * 1024 * 8 / 25e6), 1.27, 0.01);
}

TEST(SwarmForecast, NeedsTheUplinksOfAllWhereTheInflowIsFast) {
    ShapeInput in;
    in.length = 8 << 20;
    in.piece_length = 32 * 1024;
    in.inflow_bps = 100 * kMega;
    in.ports.assign(20, {5 * kMega, 100 * kMega});
    const auto bits = 8.0 * 1024 * 1024 * 8 * kWireOverhead;
    EXPECT_GT(swarm_forecast(in), 20 * bits / 200e6);
}

TEST(Topology, IsAFixedOrderAtASteadySite) {
    const auto plan = plan_of(a_site(30, 25), 25, 0);
    EXPECT_EQ(plan.topology, Topology::chain);
    EXPECT_EQ(plan.why, "3.184 s expected, 3.418 s of a swarm");
    EXPECT_THAT(plan.explanation.front(), HasSubstr("chain: 3.184 s expected"));
    EXPECT_TRUE(in_swarm(plan).empty());
}

// A third of thirty devices gone for seconds, every ten seconds.
TEST(Topology, IsASwarmWhereDevicesComeAndGo) {
    const auto plan = plan_of(a_site(30, 25), 25, 120);
    EXPECT_EQ(plan.topology, Topology::swarm);
    EXPECT_THAT(
        plan.why,
        HasSubstr("of the best fixed order, a tree of fan-out 2, at 120 departures an hour"));
    EXPECT_EQ(in_swarm(plan).size(), 30u);
    EXPECT_THAT(to_text(plan), HasSubstr("d5      relay     swarm of 30 > d0 > "));
}

TEST(Topology, IsASwarmWhereLinksAreTooUnequalForAnyOrder) {
    auto members = a_site(12, 100);
    for (std::uint32_t i = 0; i < 12; ++i) members[i].port.up_bps = (i % 2 == 0 ? 8 : 30) * kMega;
    EXPECT_EQ(plan_of(members, 50, 0).topology, Topology::swarm);
    for (auto& m : members) m.can_swarm = false;
    EXPECT_NE(plan_of(members, 50, 0).topology, Topology::swarm);
}

TEST(Topology, LooksAtTheDevicesOwnDepartures) {
    auto members = a_site(30, 25);
    for (auto& m : members) m.port.departures_per_hour = 120;
    EXPECT_EQ(plan_of(members, 25, 0).topology, Topology::swarm);
    // Only those that nobody hangs on go: that costs the others nothing.
    for (auto& m : members) m.port.departures_per_hour = m.name == "d29" ? 120 : 0;
    EXPECT_EQ(plan_of(members, 25, 0).topology, Topology::chain);
}

TEST(Topology, IsNoSwarmWhereTooFewCan) {
    auto members = a_site(30, 25);
    for (std::uint32_t i = 10; i < 30; ++i) members[i].can_swarm = false;
    EXPECT_THAT(plan_of(members, 25, 120).why, HasSubstr("no swarm: 10 of 30 devices can"));
    for (std::uint32_t i = 10; i < 30; ++i) {
        members[i].can_swarm = true;
        members[i].memory_bytes = 32 << 20;
    }
    EXPECT_THAT(plan_of(members, 25, 120).why, HasSubstr("no swarm: 10 of 30 devices can"));
    for (std::uint32_t i = 10; i < 30; ++i) members[i].memory_bytes = 64 << 20;
    EXPECT_EQ(plan_of(members, 25, 120).topology, Topology::swarm);
    EXPECT_THAT(plan_of(a_site(3, 25), 25, 3600).why, HasSubstr("no swarm: 3 of 3 devices can"));
    for (std::uint32_t i = 0; i < 3; ++i) members[i].can_swarm = false;
    EXPECT_THAT(plan_of(members, 25, 120).why, HasSubstr("no swarm: no master or stand-in can"));
}

TEST(Topology, IsThePolicysWhereItSays) {
    for (const auto topology : {Topology::star, Topology::chain, Topology::tree, Topology::swarm}) {
        const auto plan = plan_of(a_site(10, 1000), 100, 0, forced(topology));
        EXPECT_EQ(plan.topology, topology);
        EXPECT_EQ(plan.why, "by policy");
        EXPECT_EQ(plan.shape.fan_out == 9, topology == Topology::star);
        EXPECT_EQ(plan.shape.fan_out == 1, topology == Topology::chain);
    }
    EXPECT_EQ(plan_of(a_site(2, 25), 25, 0, forced(Topology::swarm)).topology, Topology::swarm);
}

TEST(Topology, IsTheNextBestWhereThePolicysCannotBe) {
    const auto two = plan_of(a_site(2, 100), 100, 0, forced(Topology::tree));
    EXPECT_EQ(two.topology, Topology::star);
    EXPECT_EQ(two.why, "policy says tree, but so few devices make none");
    auto old = a_site(10, 100);
    for (auto& m : old) m.can_swarm = false;
    const auto plan = plan_of(old, 100, 0, forced(Topology::swarm));
    EXPECT_NE(plan.topology, Topology::swarm);
    EXPECT_THAT(plan.why, HasSubstr("no swarm: 0 of 10 devices can"));
}

TEST(Swarm, NamesAllItsOtherMembersAndNobodyElse) {
    auto members = a_site(5, 100);
    members[3].can_swarm = false;
    members[4].part = Part::direct;
    const auto plan = plan_of(members, 100, 0, forced(Topology::swarm));
    EXPECT_THAT(in_swarm(plan), ElementsAre("d0", "d1", "d2"));
    const auto& swarm = *plan.members[1].assignment.swarm;
    EXPECT_EQ(swarm.port, 7548);
    EXPECT_THAT(swarm.peers, ElementsAre(SwarmPeer{"10.0.0.2", 7548}, SwarmPeer{"10.0.0.4", 7548}));
    EXPECT_THAT(plan.members[1].swarm_members, ElementsAre(0, 2));
}

TEST(Swarm, GivesOverHttpToThoseWhoCannot) {
    auto members = a_site(6, 100);
    for (std::uint32_t i = 3; i < 6; ++i) members[i].can_swarm = false;
    const auto plan = plan_of(members, 100, 0, forced(Topology::swarm));
    EXPECT_THAT(plan.members[1].source_members, testing::Contains(0));
    EXPECT_EQ(plan.members[3].source_members.front(), 0u);
    EXPECT_EQ(plan.members[4].source_members.front(), 1u);
    EXPECT_EQ(plan.members[5].source_members.front(), 2u);
    for (const auto& m : plan.members) EXPECT_EQ(m.source_members.back(), kFromOrigin);
}

TEST(Swarm, IsLedByOneWhoIsInIt) {
    auto members = a_site(6, 100);
    members[0].can_swarm = false;
    const auto plan = plan_of(members, 100, 0, forced(Topology::swarm));
    EXPECT_EQ(plan.members[0].member.name, "d1");
    EXPECT_EQ(plan.members[0].assignment.role, Role::master);
    EXPECT_EQ(plan.members[0].source_members.front(), kFromOrigin);
    EXPECT_EQ(plan.members[1].member.name, "d0");
    EXPECT_EQ(plan.members[1].member.part, Part::stand_in);
    EXPECT_FALSE(plan.members[1].assignment.swarm.has_value());
}

TEST(Swarm, OfMoreThanAnAssignmentNamesLeavesTheRestToHttp) {
    auto members = a_site(300, 100);
    for (std::uint32_t i = 0; i < 300; ++i)
        members[i].url =
            "http://10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 2) + ":7547";
    const auto plan = plan_of(members, 100, 0, forced(Topology::swarm));
    EXPECT_EQ(in_swarm(plan).size(), kMaxSwarmPeers + 1);
    EXPECT_EQ(plan.members[0].assignment.swarm->peers.size(), kMaxSwarmPeers);
    EXPECT_NE(plan.members[299].source_members.front(), kFromOrigin);
}

}  // namespace
}  // namespace sluice::planning
