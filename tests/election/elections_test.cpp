#include "engine/election/elections.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <map>

#include "engine/base/rng.hpp"
#include "tests/election/a_report.hpp"

namespace sluice::election {
namespace {

using inventory::DeviceReport;
using inventory::SiteSource;
using testing::ElementsAre;

struct Fleet {
    inventory::Inventory inventory{inventory::Smoothing{100}};
    grouping::Grouping groups;
    Elections elections;

    explicit Fleet(const MasterPolicy& policy = {}, bool by_site = true)
        : groups(inventory, {{inventory::Field::manufacturer}, by_site}),
          elections(inventory, groups, policy) {}

    void put(const DeviceReport& r) {
        const auto d = inventory.apply(r).value().device;
        elections.update(d, groups.update(d));
    }
    void put_all(const std::vector<DeviceReport>& reports) {
        for (const auto& r : reports) groups.update(inventory.apply(r).value().device);
        elections.rebuild();
    }
    void forget(const std::string& serial) {
        if (const auto d = inventory.find("00D09E-" + serial)) {
            inventory.forget(*d);
            elections.update(*d, groups.update(*d));
        }
    }
    grouping::GroupIndex group(const std::string& serial) const {
        return groups.group_of(*inventory.find("00D09E-" + serial));
    }
    std::vector<std::string> names(const std::vector<DeviceIndex>& devices) const {
        std::vector<std::string> out;
        for (const auto d : devices) out.emplace_back(inventory.identity(d).substr(7));
        return out;
    }
    std::vector<std::string> masters(const std::string& serial) const {
        return names(elections.masters(group(serial)));
    }
    // "master 1: score 970", one line a member, with its name before it.
    std::vector<std::string> lines(const std::string& serial) const {
        std::vector<std::string> out;
        for (const auto& p : elections.ranking(group(serial)))
            out.push_back(std::string(inventory.identity(p.device).substr(7)) + " " + describe(p));
        return out;
    }
    // Who rules every group, by the group's name: no number of this process in it.
    std::map<std::string, std::vector<std::string>> all_rankings() const {
        std::map<std::string, std::vector<std::string>> out;
        for (std::uint32_t g = 0; g < groups.capacity(); ++g) {
            const grouping::GroupIndex group{g};
            if (groups.size(group) == 0) continue;
            auto& row = out[groups.key_text(group)];
            for (const auto& p : elections.ranking(group))
                row.push_back(std::string(inventory.identity(p.device)) + " " + describe(p));
        }
        return out;
    }
};

TEST(Elections, TakeTheIdlestAndNameStandInsInOrderWithReasons) {
    Fleet fleet;
    fleet.put(a_report("a", 30));
    fleet.put(a_report("b", 10));
    fleet.put(a_report("c", 20));
    fleet.put(a_report("d", 40));
    fleet.put(a_report("e", 80));
    fleet.elections.settle();
    EXPECT_THAT(fleet.lines("a"),
                ElementsAre("b master 1: score 940", "c stand-in 1: score 880",
                            "a stand-in 2: score 820", "d member: score 760, master has 940",
                            "e cannot serve: CPU 80.00 % > 70.00 %"));
}

TEST(Elections, FollowTheDevicesStateAsItChanges) {
    Fleet fleet;
    fleet.put(a_report("a", 10));
    fleet.put(a_report("b", 20));
    EXPECT_EQ(fleet.elections.settle().size(), 1u);
    EXPECT_THAT(fleet.masters("a"), ElementsAre("a"));
    EXPECT_TRUE(fleet.elections.settle().empty());
    fleet.put(a_report("a", 90));
    EXPECT_EQ(fleet.elections.settle().size(), 1u);
    EXPECT_THAT(fleet.masters("a"), ElementsAre("b"));
    fleet.forget("b");
    fleet.elections.settle();
    EXPECT_THAT(fleet.masters("a"), ElementsAre());
    fleet.put(a_report("b", 20, "another home"));
    fleet.elections.settle();
    EXPECT_THAT(fleet.masters("b"), ElementsAre("b"));
}

TEST(Elections, KeepASittingMasterUntilAnotherIsBetterByTheMargin) {
    Fleet fleet;  // margin 100 of 1000, and CPU counts 60 of 100: 16.7 points of CPU
    fleet.put(a_report("a", 20));
    fleet.put(a_report("b", 30));
    fleet.elections.settle();
    fleet.put(a_report("b", 4));
    fleet.elections.settle();
    EXPECT_THAT(fleet.lines("a"),
                ElementsAre("a master 1: score 880, keeps its seat within the margin",
                            "b stand-in 1: score 976"));
    fleet.put(a_report("b", 3));
    fleet.elections.settle();
    EXPECT_THAT(fleet.masters("a"), ElementsAre("b"));
}

TEST(Elections, LetASittingMasterExceedTheCpuLimitByTheSlackAlone) {
    Fleet fleet;
    fleet.put(a_report("a", 60));
    fleet.put(a_report("b", 65));
    fleet.elections.settle();
    fleet.put(a_report("a", 75));
    fleet.elections.settle();
    EXPECT_THAT(fleet.masters("a"), ElementsAre("a"));
    fleet.put(a_report("a", 81));
    fleet.elections.settle();
    EXPECT_THAT(fleet.masters("a"), ElementsAre("b"));
    fleet.put(a_report("a", 75));  // what would do for a sitting one does not win a seat
    fleet.put(a_report("b", 90));
    fleet.elections.settle();
    EXPECT_THAT(fleet.masters("a"), ElementsAre());
}

TEST(Elections, FillAsManySeatsAsThePolicySays) {
    MasterPolicy two;
    two.masters_per_group = 2;
    MasterPolicy one_for_four;
    one_for_four.fan_out = 4;
    Fleet a(two), b(one_for_four);
    for (int i = 0; i < 9; ++i) {
        a.put(a_report(std::to_string(i), i));
        b.put(a_report(std::to_string(i), i));
    }
    a.elections.settle();
    b.elections.settle();
    EXPECT_THAT(a.masters("0"), ElementsAre("0", "1"));
    EXPECT_THAT(b.masters("0"), ElementsAre("0", "1", "2"));
    b.forget("8");
    b.elections.settle();
    EXPECT_THAT(b.masters("0"), ElementsAre("0", "1"));
}

TEST(Elections, BreakTiesBySeedAndIdentityAndNotAlwaysForTheSame) {
    std::map<std::string, int> wins;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        MasterPolicy policy;
        policy.seed = seed;
        Fleet forth(policy), back(policy);
        for (const char* s : {"a", "b", "c"}) forth.put(a_report(s, 10));
        for (const char* s : {"c", "b", "a"}) back.put(a_report(s, 10));
        forth.elections.settle();
        back.elections.settle();
        EXPECT_EQ(forth.masters("a"), back.masters("a")) << "seed " << seed;
        ++wins[forth.masters("a").at(0)];
    }
    EXPECT_EQ(wins.size(), 3u);
}

TEST(Elections, GiveNoMasterToASiteThatIsACarriersNat) {
    inventory::Inventory fleet({}, inventory::SiteRule{{}, {}, 2});
    grouping::Grouping groups(fleet, {{inventory::Field::manufacturer}, true});
    Elections elections(fleet, groups, {});
    for (const char* s : {"a", "b", "c"}) {
        auto r = a_report(s, 10);
        r.site = {SiteSource::address, "203.0.113.7/32"};
        const auto d = fleet.apply(r).value().device;
        elections.update(d, groups.update(d));
        elections.settle();
        const auto group = groups.group_of(d);
        EXPECT_EQ(elections.masters(group).size(), std::string(s) == "c" ? 0u : 1u);
    }
}

// A random history of reports, moves and departures; what stands at the end of it.
std::vector<DeviceReport> random_reports(std::uint64_t seed, int count) {
    Rng rng(seed);
    std::vector<DeviceReport> out;
    for (int i = 0; i < count; ++i) {
        auto r = a_report(std::to_string(rng.below(60)), static_cast<double>(rng.below(100)),
                          "s" + std::to_string(rng.below(4)));
        r.uplink_bps = (1 + rng.below(3)) * 100'000'000;
        r.is_enabled = rng.below(10) != 0;
        out.push_back(r);
    }
    return out;
}

TEST(Elections, DoNotDependOnTheOrderOfReports) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        std::map<std::string, DeviceReport> last;
        for (const auto& r : random_reports(seed, 200)) last[r.serial] = r;
        std::vector<DeviceReport> reports;
        for (const auto& [serial, r] : last) reports.push_back(r);
        MasterPolicy policy;
        policy.masters_per_group = 2;
        Fleet first(policy);
        for (const auto& r : reports) first.put(r);
        first.elections.settle();
        Rng rng(seed);
        for (int turn = 0; turn < 3; ++turn) {
            for (std::size_t i = reports.size(); i > 1; --i)
                std::swap(reports[i - 1], reports[rng.below(i)]);
            Fleet other(policy);
            for (const auto& r : reports) other.put(r);
            other.elections.settle();
            EXPECT_EQ(other.all_rankings(), first.all_rankings());
        }
    }
}

TEST(Elections, KeptReportByReportEqualElectedFromScratch) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        MasterPolicy policy;
        policy.hysteresis_percent = 0;  // without memory, history must leave no trace
        policy.cpu_slack_percent = 0;
        policy.masters_per_group = 3;
        Fleet kept(policy);
        std::map<std::string, DeviceReport> last;
        Rng rng(seed);
        for (const auto& r : random_reports(seed, 500)) {
            if (rng.below(10) == 0) {
                kept.forget(r.serial);
                last.erase(r.serial);
            } else {
                kept.put(r);
                last[r.serial] = r;
            }
            if (rng.below(3) == 0) kept.elections.settle();
        }
        kept.elections.settle();
        Fleet scratch(policy);
        for (const auto& [serial, r] : last) scratch.put(r);
        scratch.elections.settle();
        EXPECT_EQ(kept.all_rankings(), scratch.all_rankings());
    }
}

TEST(Elections, OfAWholeFleetAtOnceEqualThoseOfItsReportsOneByOne) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        const auto reports = random_reports(seed, 300);
        Fleet one_by_one, at_once;
        for (const auto& r : reports) one_by_one.put(r);
        at_once.put_all(reports);
        one_by_one.elections.settle();
        at_once.elections.settle();
        EXPECT_EQ(at_once.all_rankings(), one_by_one.all_rankings());
        // And what was built is kept: later reports find their way in it.
        for (const auto& r : random_reports(seed + 50, 100)) {
            one_by_one.put(r);
            at_once.put(r);
        }
        at_once.elections.rebuild();
        one_by_one.elections.settle();
        at_once.elections.settle();
        EXPECT_EQ(at_once.all_rankings(), one_by_one.all_rankings());
    }
}

TEST(Elections, ChangeASeatOnlyForALostRightOrABetterOneByTheMargin) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        const MasterPolicy policy;
        Fleet fleet(policy);
        for (const auto& r : random_reports(seed, 60)) fleet.put(r);
        fleet.elections.settle();
        for (const auto& r : random_reports(seed + 100, 300)) {
            std::map<std::uint32_t, std::vector<DeviceIndex>> before;
            for (std::uint32_t g = 0; g < fleet.groups.capacity(); ++g)
                before[g] = fleet.elections.masters(grouping::GroupIndex{g});
            fleet.put(r);
            for (const auto group : fleet.elections.settle()) {
                const auto now = fleet.elections.masters(group);
                const auto& old = before[group.value];
                if (old.empty() || fleet.groups.group_of(old[0]) != group) continue;
                const auto then = judge(fleet.inventory, old[0], policy, true);
                if (!then.is_eligible()) continue;
                ASSERT_FALSE(now.empty());
                EXPECT_GT(judge(fleet.inventory, now[0], policy, false).score, then.score + 99);
            }
        }
    }
}

TEST(Elections, SwingingReportsWithinTheMarginChangeNothing) {
    Fleet fleet;
    fleet.put(a_report("a", 20));
    fleet.put(a_report("b", 25));
    fleet.elections.settle();
    std::size_t changes = 0;
    for (int i = 0; i < 100; ++i) {
        fleet.put(a_report("a", i % 2 == 0 ? 30 : 20));
        fleet.put(a_report("b", i % 2 == 0 ? 20 : 30));
        changes += fleet.elections.settle().size();
    }
    EXPECT_EQ(changes, 0u);
}

}  // namespace
}  // namespace sluice::election
