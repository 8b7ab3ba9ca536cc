// Plans as text: the picture of each decision, and what must hold for every plan.
#include "engine/planning/site_plan.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <tuple>

#include "engine/base/rng.hpp"
#include "engine/planning/assignment_json.hpp"

namespace sluice::planning {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kMega = 1'000'000;

Job a_job(std::uint64_t mebibytes = 32, std::uint32_t piece_kib = 128) {
    Job job;
    job.rollout = "r1";
    job.image.digest.bytes.fill(0x11);
    job.length = mebibytes << 20;
    job.piece_length = piece_kib * 1024;
    job.manifest = "{}";
    job.image_url = "http://198.51.100.7/fw.bin";
    job.seed = 7;
    return job;
}

PlanMember a_member(std::uint32_t i, Part part, std::uint64_t lan_mbps = 1000) {
    PlanMember m;
    m.name = "d" + std::to_string(i);
    m.url = "http://10.0.0." + std::to_string(i + 2) + ":7547";
    m.port = {lan_mbps * kMega, lan_mbps * kMega};
    m.part = part;
    return m;
}

// d0 is master, d1 and d2 stand in, the others may relay.
std::vector<PlanMember> a_site(std::uint32_t count, std::uint64_t lan_mbps = 1000) {
    std::vector<PlanMember> out;
    for (std::uint32_t i = 0; i < count; ++i)
        out.push_back(
            a_member(i, i == 0 ? Part::master : (i < 3 ? Part::stand_in : Part::relay), lan_mbps));
    return out;
}

SitePlan plan_of(std::vector<PlanMember> members, std::uint64_t inflow_mbps = 100,
                 const Job& job = a_job(), const PlanningPolicy& policy = {}) {
    auto plan = make_plan(job, {inflow_mbps * kMega, 1000 * kMega}, std::move(members), policy);
    EXPECT_TRUE(plan.has_value()) << plan.error().message;
    return plan.value();
}

TEST(SitePlan, OfTenHostsIsANearStar) {
    EXPECT_EQ(to_text(plan_of(a_site(10))), R"(
tree: 2.821 s expected; no swarm: 0 of 10 devices can
tree of fan-out 7: 2.821 s = 1.005 x bound, 2 hops, uplinks 30 % free
tree of fan-out 3: 2.817 s = 1.003 x bound, 2 hops, uplinks 70 % free
star: 2.820 s = 1.004 x bound, 1 hop, uplinks 10 % free
chain: 2.836 s = 1.010 x bound, 9 hops, uplinks 90 % free
rank  device  part      sources                     slots  origin after  installs  why
0     d0      master    origin                      10     0 ms          -
1     d1      stand-in  d0 > origin                 9      0 ms          -
2     d2      stand-in  d0 > d1 > origin            3      750 ms        -
3     d3      relay     d0 > d1 > d2 > origin       2      1500 ms       -
4     d4      relay     d0 > d1 > d3 > d2 > origin  2      2250 ms       -
5     d5      relay     d0 > d1 > d4 > d3 > origin  2      3000 ms       -
6     d6      relay     d0 > d1 > d5 > d4 > origin  2      3750 ms       -
7     d7      relay     d0 > d1 > d6 > d5 > origin  2      4500 ms       -
8     d8      relay     d1 > d0 > d3 > d4 > origin  2      5250 ms       -
9     d9      relay     d2 > d0 > d3 > d4 > origin  2      6000 ms       -
)" + 1);
}

TEST(SitePlan, OfEqualSlowLinksIsAChainWhereTheGrandparentStandsIn) {
    EXPECT_EQ(to_text(plan_of(a_site(6, 25), 25, a_job(8, 32))), R"(
chain: 2.873 s expected; no swarm: 0 of 6 devices can
chain: 2.873 s = 1.023 x bound, 5 hops, uplinks 0 % free
star: 14.096 s = 5.020 x bound, 1 hop, uplinks 0 % free
rank  device  part      sources                     slots  origin after  installs  why
0     d0      master    origin                      4      0 ms          -
1     d1      stand-in  d0 > origin                 4      0 ms          -
2     d2      stand-in  d1 > d0 > origin            4      750 ms        -
3     d3      relay     d2 > d1 > d0 > origin       4      1500 ms       -
4     d4      relay     d3 > d2 > d1 > d0 > origin  3      2250 ms       -
5     d5      relay     d4 > d3 > d2 > d1 > origin  2      3000 ms       -
)" + 1);
}

TEST(SitePlan, SeatsEverybodyByWhatHeMayDo) {
    auto members = a_site(5);
    members[1].is_gateway = true;
    members[3].part = Part::master;  // a second one: takes from the first
    members[3].why = "master 2: score 900";
    members[4].url.clear();
    members[4].why = "member: score 800";
    members.push_back(a_member(5, Part::leaf));
    members.push_back(a_member(6, Part::direct));
    members.push_back(a_member(7, Part::plain));
    EXPECT_EQ(to_text(plan_of(members)), R"(
star: 2.815 s expected; no swarm: 0 of 6 devices can
star: 2.815 s = 1.003 x bound, 1 hop, uplinks 50 % free
tree of fan-out 2: 2.816 s = 1.003 x bound, 2 hops, uplinks 80 % free
rank  device  part      sources                     slots  origin after  installs  why
0     d0      master    origin                      7+1    0 ms          -
1     d3      master    d0 > origin                 6+1    0 ms          -         master 2: score 900
2     d1      stand-in  d0 > d3 > origin            2      750 ms        last
3     d2      stand-in  d0 > d3 > d1 > origin       2      1500 ms       -
4     d4      leaf      d0 > d3 > d2 > d1 > origin  -      2250 ms       -         member: score 800, and says not where it serves
5     d5      leaf      d0 > d3 > d1 > d2 > origin  -      3000 ms       -
6     d6      direct    origin                      -      0 ms          -
7     d7      plain     -                           -      -             -
)" + 1);
}

TEST(SitePlan, PutsRelaysWithAStrongUplinkNearerToTheRoot) {
    auto members = a_site(5);
    members[3].port.up_bps = 50 * kMega;
    const auto plan = plan_of(members);
    EXPECT_EQ(plan.members[3].member.name, "d4");
    EXPECT_EQ(plan.members[4].member.name, "d3");
}

TEST(SitePlan, SharesNothingWhenNobodyMayBeMaster) {
    EXPECT_EQ(to_text(plan_of({a_member(0, Part::relay), a_member(1, Part::leaf)})), R"(
nothing is shared: no member may be master
rank  device  part    sources  slots  origin after  installs  why
0     d0      direct  origin   -      0 ms          -
1     d1      direct  origin   -      0 ms          -
)" + 1);
}

TEST(SitePlan, SaysWhenFinerPiecesWouldPay) {
    const auto text = to_text(plan_of(a_site(40, 25), 25, a_job(8, 32)));
    EXPECT_THAT(text, HasSubstr("pieces of 16 KiB instead of 32 KiB would save 6 %"));
    EXPECT_THAT(to_text(plan_of(a_site(40, 25), 25, a_job(8, 16))),
                testing::Not(HasSubstr("would save")));
}

TEST(SitePlan, IsTheSameForTheSameInputsAndSpreadsItsSeeds) {
    const auto a = plan_of(a_site(10)), b = plan_of(a_site(10));
    for (std::size_t i = 0; i < 10; ++i)
        EXPECT_EQ(to_json(a.members[i].assignment), to_json(b.members[i].assignment));
    EXPECT_NE(a.members[1].assignment.seed, a.members[2].assignment.seed);
    EXPECT_NE(a.members[1].assignment.short_id, a.members[2].assignment.short_id);
    auto other = a_job();
    other.rollout = "r2";
    EXPECT_NE(plan_of(a_site(10), 100, other).members[1].assignment.short_id,
              a.members[1].assignment.short_id);
}

TEST(SitePlan, RefusesWhatNoPlanCanBeMadeFor) {
    const SiteLinks links{kMega, kMega};
    EXPECT_THAT(make_plan(a_job(), links, {}, {}).error().message, HasSubstr("no members"));
    auto twins = a_site(2);
    twins[1].name = twins[0].name;
    EXPECT_THAT(make_plan(a_job(), links, twins, {}).error().message,
                HasSubstr("two members are named 'd0'"));
    auto empty = a_job();
    empty.length = 0;
    EXPECT_THAT(make_plan(empty, links, a_site(2), {}).error().message,
                HasSubstr("image's length"));
    auto odd = a_job();
    odd.piece_length = 100'000;
    EXPECT_FALSE(make_plan(odd, links, a_site(2), {}).has_value());
}

// What must hold for every plan, over random sites.
struct Random {
    Rng rng;
    std::vector<PlanMember> members;
    std::uint64_t inflow;

    explicit Random(std::uint64_t seed) : rng(seed) {
        const auto count = 1 + static_cast<std::uint32_t>(rng.below(50));
        constexpr std::uint64_t kRates[] = {0, 5, 25, 100, 1000, 2500};
        for (std::uint32_t i = 0; i < count; ++i) {
            const auto part = i == 0 ? Part::master : static_cast<Part>(1 + rng.below(5));
            members.push_back(a_member(i, part, kRates[rng.below(6)]));
            members.back().is_gateway = rng.below(8) == 0;
            if (rng.below(10) == 0) members.back().url.clear();
        }
        inflow = kRates[1 + rng.below(5)];
    }
};

class EveryPlan : public testing::TestWithParam<std::uint64_t> {};

TEST_P(EveryPlan, OrdersSourcesSoThatTwoDevicesNeverWaitForOneAnother) {
    const auto plan = plan_of(Random(GetParam()).members, Random(GetParam()).inflow);
    for (std::uint32_t i = 0; i < plan.members.size(); ++i) {
        const auto& m = plan.members[i];
        ASSERT_EQ(m.source_members.size(), m.assignment.sources.size());
        EXPECT_LE(m.assignment.sources.size(), kMaxSources);
        if (m.member.part == Part::plain) {
            EXPECT_TRUE(m.assignment.sources.empty());
            continue;
        }
        EXPECT_EQ(m.assignment.sources.back().kind, SourceKind::origin);
        for (std::size_t s = 0; s + 1 < m.assignment.sources.size(); ++s) {
            const auto peer = m.source_members[s];
            EXPECT_LT(peer, i);
            EXPECT_EQ(m.assignment.sources[s].url, plan.members[peer].member.url);
            EXPECT_TRUE(plan.members[peer].assignment.serving.has_value());
            EXPECT_EQ(std::count(m.source_members.begin(), m.source_members.end(), peer), 1);
        }
        const bool has_peer = m.assignment.sources.size() > 1;
        EXPECT_EQ(has_peer, i > 0 && m.member.part != Part::direct);
    }
}

TEST_P(EveryPlan, GivesTheSlotsThatItsChildrenNeedWhicheverParentDies) {
    const auto plan = plan_of(Random(GetParam()).members, Random(GetParam()).inflow);
    const auto count = plan.members.size();
    for (std::uint32_t dead = 0; dead < count; ++dead) {
        std::vector<std::uint32_t> load(count, 0);
        for (const auto& m : plan.members) {
            if (m.source_members.size() < 2) continue;
            // An orphan without an alternate goes to the origin.
            const auto at = m.source_members[0] != dead ? m.source_members[0] : m.source_members[1];
            if (at != kFromOrigin) ++load[at];
        }
        for (std::uint32_t i = 0; i < count; ++i)
            if (plan.members[i].assignment.serving && i != dead) {
                EXPECT_LE(load[i], plan.members[i].assignment.serving->slots)
                    << "rank " << i << " when " << dead << " is dead";
            }
    }
}

TEST_P(EveryPlan, LetsOnlyOneDeviceAskTheOriginAtATime) {
    const auto plan = plan_of(Random(GetParam()).members, Random(GetParam()).inflow);
    Duration last = -500ms;
    for (std::uint32_t i = 1; i < plan.members.size(); ++i) {
        const auto& m = plan.members[i];
        if (m.member.part >= Part::direct) continue;
        EXPECT_GE(m.assignment.budgets.origin_delay, last + 500ms);
        last = m.assignment.budgets.origin_delay;
        EXPECT_GE(m.assignment.budgets.origin_bytes, a_job().length);
        EXPECT_EQ(m.assignment.budgets.starve_limit, Duration(std::chrono::minutes(10)));
    }
}

TEST_P(EveryPlan, ReadsBackAsAnAssignmentOnceItHasItsSecrets) {
    auto plan = plan_of(Random(GetParam()).members, Random(GetParam()).inflow);
    for (auto& m : plan.members) {
        if (m.member.part == Part::plain) continue;
        if (m.assignment.serving) m.assignment.serving->master_key_hex = std::string(64, '0');
        const auto back = parse_assignment(to_json(m.assignment));
        EXPECT_TRUE(back.has_value()) << back.error().message;
    }
}

TEST_P(EveryPlan, InstallsGatewaysLast) {
    const auto plan = plan_of(Random(GetParam()).members, Random(GetParam()).inflow);
    for (const auto& m : plan.members) EXPECT_EQ(m.install_order > 0, m.member.is_gateway);
}

INSTANTIATE_TEST_SUITE_P(Seeds, EveryPlan, testing::Range<std::uint64_t>(1, 41));

// No one device gets all children of a dead one beyond what its port carries, where there is a
// choice.
TEST(Alternates, SpreadTheOrphansOfADeadParent) {
    const auto plan = plan_of(a_site(40));
    for (std::uint32_t dead = 1; dead < 8; ++dead) {
        std::vector<int> extra(40, 0);
        for (const auto& m : plan.members)
            if (m.source_members.size() > 1 && m.source_members[0] == dead)
                ++extra[m.source_members[1]];
        EXPECT_LE(*std::max_element(extra.begin(), extra.end()), 4) << "dead: " << dead;
    }
}

// A dead parent's orphans overload no port while another one could carry them; 57 devices fill two
// levels of fan-out 7, so that every sibling has children already.
TEST(Alternates, LoadNoPortBeyondWhatItCarries) {
    for (const auto& [count, lan, most] : {std::tuple{25u, 400u, 4}, std::tuple{57u, 1000u, 10}}) {
        const auto plan = plan_of(a_site(count, lan));
        for (std::uint32_t dead = 0; dead < count; ++dead) {
            std::vector<int> load(count, 0);
            for (const auto& m : plan.members) {
                if (m.source_members.size() < 2) continue;
                const auto at =
                    m.source_members[0] != dead ? m.source_members[0] : m.source_members[1];
                if (at != kFromOrigin) ++load[at];
            }
            EXPECT_LE(*std::max_element(load.begin(), load.end()), most)
                << count << " devices, dead: " << dead;
        }
    }
}

TEST(Alternates, AreAsManyAsThePolicySays) {
    PlanningPolicy policy;
    for (const std::uint32_t n : {0u, 1u, 6u}) {
        policy.alternates = n;
        ASSERT_TRUE(check(policy).has_value());
        const auto plan = plan_of(a_site(20), 100, a_job(), policy);
        EXPECT_EQ(plan.members.back().assignment.sources.size(), n + 2);
    }
    policy.alternates = 7;
    EXPECT_THAT(check(policy).error().message, HasSubstr("alternates: is above 6"));
}

}  // namespace
}  // namespace sluice::planning
