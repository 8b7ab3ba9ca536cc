// Rollouts in steps, as the planner runs them: who is in which wave, what halts them, what a
// halt lets through (nothing), budgets of sites, devices in two rollouts, and who is forgotten.

#include <gmock/gmock.h>

#include "tests/service/acs_bench.hpp"

namespace sluice::service::bench {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::HasSubstr;
using testing::SizeIs;

struct Fleet {
    Bench bench;
    ImageRow image = an_image("2.0");
    std::vector<Cpe*> cpes;

    explicit Fleet(int sites, int devices = 1) {
        bench.publish(image);
        for (int s = 0; s < sites; ++s)
            for (int d = 1; d <= devices; ++d)
                cpes.push_back(&bench.add(an_agent(s * devices + d, "site-" + std::to_string(s))));
    }
    // Everybody comes once; how many have an order.
    std::size_t ordered() {
        std::size_t out = 0;
        for (auto* cpe : cpes) {
            bench.session(*cpe);
            out += cpe->transfer ? 1 : 0;
        }
        return out;
    }
    void finish_all() {
        for (auto* cpe : cpes) {
            if (!cpe->transfer) continue;
            bench.finish(*cpe);
            bench.session(*cpe);
        }
    }
    RolloutView view(const std::string& id) { return bench.planner().rollout(id).value(); }
    std::vector<EventRow> events(const std::string& kind) {
        std::vector<EventRow> out;
        for (const auto& e : bench.events)
            if (e.kind == kind) out.push_back(e);
        return out;
    }
};

TEST(StartAt, FinishesARolloutThatNobodyNeedsAnyMore) {
    for (const bool is_restarted : {false, true}) {
        Fleet f(2);
        const auto id = f.bench.start(f.image.id, [&](RolloutSpec& s) {
            s.start_at = (f.bench.now + hours(1)).unix_ms / 1000;
        });
        f.bench.pass(minutes(1));
        for (auto* cpe : f.cpes) {
            cpe->report.software_version = "2.0";
            f.bench.session(*cpe);
        }
        f.bench.pass(minutes(1));
        EXPECT_EQ(f.view(id).row.state, RolloutState::running) << "others may come";
        if (is_restarted) f.bench.restart();
        f.bench.pass(hours(1));
        EXPECT_EQ(f.view(id).row.state, RolloutState::finished);
        f.bench.restart();
        EXPECT_EQ(f.view(id).row.state, RolloutState::finished);
    }
}

TEST(Waves, OpenOneAfterAnotherByCountAndPercentAndTheRest) {
    Fleet f(10);
    const auto id = f.bench.start(f.image.id, [](RolloutSpec& s) {
        s.canary = so_many(1);
        s.canary->soak = hours(1);
        s.waves = {so_many_percent(30)};
    });
    ASSERT_THAT(f.view(id).waves, SizeIs(3));
    EXPECT_EQ(f.view(id).waves[0].devices, 1u);
    EXPECT_EQ(f.view(id).waves[1].devices, 3u);
    EXPECT_EQ(f.view(id).waves[2].devices, 6u);
    EXPECT_EQ(f.ordered(), 1u);
    f.finish_all();
    EXPECT_EQ(f.ordered(), 0u) << "the soak";
    EXPECT_EQ(f.view(id).waves[0].state, "soaking");
    f.bench.pass(hours(1));
    EXPECT_EQ(f.ordered(), 3u);
    f.finish_all();
    f.bench.tick();
    EXPECT_EQ(f.ordered(), 6u);
    f.finish_all();
    EXPECT_EQ(f.view(id).row.state, RolloutState::finished);
    EXPECT_THAT(f.events("wave.opened"), SizeIs(3));
}

TEST(Waves, TakeSitesWhole) {
    Fleet f(6, 3);
    f.bench.start(f.image.id, [](RolloutSpec& s) { s.canary = so_many(4); });
    EXPECT_EQ(f.bench.planner().rollout("r")->waves[0].devices, 6u);
}

TEST(Waves, OfAGroupAreExactlyItsDevices) {
    Fleet f(5);
    f.bench.start(f.image.id, [&](RolloutSpec& s) {
        s.canary = WaveSpec{};
        s.canary->group.devices = {f.cpes[1]->identity(), f.cpes[3]->identity()};
    });
    f.ordered();
    EXPECT_TRUE(f.cpes[1]->transfer && f.cpes[3]->transfer);
    EXPECT_FALSE(f.cpes[0]->transfer || f.cpes[2]->transfer || f.cpes[4]->transfer);
}

TEST(Halt, LetsNothingLeaveNotEvenWhatWasHandedOut) {
    Fleet f(6);
    const auto id = f.bench.start(f.image.id);
    const auto handed = f.bench.session_lost_at_order(*f.cpes[0]);
    ASSERT_TRUE(handed);
    f.bench.session(*f.cpes[1]);
    ASSERT_TRUE(f.cpes[1]->transfer);
    f.bench.session(*f.cpes[2]);
    EXPECT_TRUE(f.bench.planner().still_stands(f.cpes[0]->identity(), *handed));

    f.bench.fault(*f.cpes[2], 9018, "digest");
    f.bench.session(*f.cpes[2]);  // the input that crosses it

    EXPECT_EQ(f.view(id).row.state, RolloutState::halted);
    EXPECT_THAT(f.view(id).halt_reason, HasSubstr("did not verify"));
    EXPECT_FALSE(f.bench.planner().still_stands(f.cpes[0]->identity(), *handed));
    const auto sent = f.bench.log.size();
    for (int i = 0; i < 3; ++i) {
        f.ordered();
        f.bench.pass(minutes(10));
    }
    EXPECT_EQ(f.bench.log.size(), sent);
    EXPECT_THAT(f.cpes[0]->cancels, SizeIs(1));
    EXPECT_THAT(f.cpes[1]->cancels, SizeIs(1));
    EXPECT_FALSE(f.cpes[1]->transfer);
    ASSERT_THAT(f.events("rollout.halted"), SizeIs(1));
    f.bench.restart();
    f.ordered();
    EXPECT_EQ(f.bench.log.size(), sent) << "a restart is no resume";
    f.bench.turn(&Planner::resume, id);
    EXPECT_EQ(f.ordered(), 6u);
}

TEST(Budget, OfASiteAlarmsThenHoldsThatSiteAloneAndIsReleased) {
    Fleet f(2, 3);
    const auto id = f.bench.start(f.image.id, [](RolloutSpec& s) { s.site_budget_images = 2; });
    f.ordered();
    auto& planner = f.bench.planner();
    const auto token = f.bench.token(id, *f.cpes[0]);
    const auto grant = planner.grant(token).value();
    EXPECT_TRUE(planner.on_payload(grant, kImageLength, true));
    EXPECT_TRUE(planner.on_payload(grant, kImageLength * 7 / 10, true));
    f.bench.pass(std::chrono::seconds(2));
    ASSERT_THAT(f.events("site.budget"), SizeIs(1));
    EXPECT_EQ(f.events("site.budget")[0].to, "alarm");
    EXPECT_FALSE(planner.grant(token)->is_held);
    EXPECT_FALSE(planner.on_payload(grant, kImageLength, true));
    f.bench.pass(std::chrono::seconds(2));
    EXPECT_EQ(f.events("site.budget").back().to, "hold");
    EXPECT_TRUE(planner.grant(token)->is_held);
    EXPECT_FALSE(planner.grant(f.bench.token(id, *f.cpes[3]))->is_held) << "another site";
    f.bench.restart();
    EXPECT_TRUE(f.bench.planner().grant(token)->is_held);
    f.bench.pass(std::chrono::seconds(2));
    EXPECT_THAT(f.events("site.budget"), SizeIs(2)) << "said once";
    ASSERT_THAT(f.view(id).alarms, SizeIs(1));
    Changes out;
    ASSERT_TRUE(f.bench.planner().release_site(id, "site-0", f.bench.now, out).has_value());
    EXPECT_FALSE(f.bench.planner().grant(token)->is_held);
}

// The origin as it is in front of a planner: nothing for a site that is held, and no byte more once
// the planner says so.
std::uint64_t give(Planner& planner, const std::string& token, std::uint64_t most) {
    constexpr std::uint64_t kChunk = 1 << 20;
    std::uint64_t given = 0;
    for (auto grant = planner.grant(token); grant && !grant->is_held && given < most;) {
        given += kChunk;
        if (!planner.on_payload(*grant, kChunk, given == kChunk)) break;
    }
    return given;
}

TEST(Budget, IsSpentByPlainDevicesToo) {
    Fleet f(1);  // who fetches first, and then has it
    for (const int n : {20, 21}) f.cpes.push_back(&f.bench.add(a_plain(n, "plain-a")));
    f.cpes.push_back(&f.bench.add(a_plain(30, "plain-b")));
    const auto id = f.bench.start(f.image.id, [](RolloutSpec& s) {
        s.site_budget_images = 1;
        s.max_attempts = 10;
        s.retry_first = std::chrono::seconds(1);
    });
    auto& planner = f.bench.planner();
    // The first of plain-a fetches the whole image each time, and it is good for nothing.
    std::uint64_t sent = 0;
    for (int i = 0; i < 10; ++i) {
        for (auto* cpe : {f.cpes[1], f.cpes[2]}) f.bench.session(*cpe);
        if (f.cpes[1]->transfer) {
            sent += give(planner, f.bench.token(id, *f.cpes[1]), kImageLength);
            f.bench.fault(*f.cpes[1], 9010, "no room");
            f.bench.session(*f.cpes[1]);
        }
        f.bench.pass(minutes(10));
    }
    // Its own copy, its neighbour's, and one of the site's.
    EXPECT_EQ(sent, 3 * kImageLength);
    const auto alarms = f.events("site.budget");
    ASSERT_FALSE(alarms.empty());
    EXPECT_EQ(alarms.back().to, "hold");
    for (const auto& alarm : alarms) EXPECT_EQ(alarm.site, "plain-a");
    EXPECT_TRUE(planner.grant(f.bench.token(id, *f.cpes[2]))->is_held);
    f.bench.restart();
    EXPECT_EQ(give(f.bench.planner(), f.bench.token(id, *f.cpes[1]), kImageLength), 0u);
    // The others go on.
    f.bench.session(*f.cpes[3]);
    EXPECT_EQ(give(f.bench.planner(), f.bench.token(id, *f.cpes[3]), kImageLength), kImageLength);
    Changes out;
    ASSERT_TRUE(f.bench.planner().release_site(id, "plain-a", f.bench.now, out).has_value());
    EXPECT_EQ(give(f.bench.planner(), f.bench.token(id, *f.cpes[1]), 9 * kImageLength),
              3 * kImageLength)
        << "once more, from none";
}

TEST(TwoRollouts, ANewerImageSupersedesAnOlderOneThatHasNotBegun) {
    Fleet f(2);
    const auto old = f.bench.start(f.image.id);
    f.bench.session(*f.cpes[0]);  // has its order
    f.bench.now = f.bench.now + minutes(1);
    auto newer = an_image("3.1");
    newer.published = f.bench.now;
    f.bench.publish(newer);
    const auto id = f.bench.start(newer.id);
    f.ordered();
    EXPECT_EQ(f.bench.states(old), "1 fetching, 2 skipped");
    EXPECT_THAT(f.bench.seat(old, *f.cpes[1]).why, HasSubstr("newer image"));
    EXPECT_EQ(f.bench.states(id), "1 waiting, 2 fetching") << "one order at a time";
    f.finish_all();
    f.ordered();
    EXPECT_EQ(f.bench.states(id), "1 fetching, 2 done");
}

TEST(TwoRollouts, TheHigherPriorityGoesFirst) {
    Fleet f(1);
    auto newer = an_image("3.1");
    newer.published = f.bench.now;
    f.bench.publish(newer);
    const auto low = f.bench.start(newer.id, [](RolloutSpec& s) { s.priority = 10; });
    const auto high = f.bench.start(f.image.id, [](RolloutSpec& s) { s.priority = 200; });
    f.ordered();
    EXPECT_EQ(f.bench.states(high), "1 fetching");
    EXPECT_EQ(f.bench.states(low), "1 waiting");
    f.finish_all();
    f.ordered();
    EXPECT_EQ(f.bench.states(low), "1 fetching");
}

TEST(Devices, ThatNoLongerFitAreSkippedAndThatMoveGoWithTheirNewSite) {
    Fleet f(2, 2);
    const auto id = f.bench.start(f.image.id);
    auto &moved = *f.cpes[1], &other = *f.cpes[3];
    moved.site = "site-1";
    other.report.hardware_version = "B";
    f.bench.session(other);
    f.bench.session(moved);
    EXPECT_EQ(f.bench.seat(id, other).state, "skipped");
    EXPECT_EQ(f.bench.seat(id, moved).site, "site-1");
    EXPECT_TRUE(f.bench.run_to_end(id));
}

TEST(Erase, LeavesNothingOfADeviceAndNobodyWaiting) {
    Fleet f(2);
    const auto id = f.bench.start(f.image.id);
    f.bench.session(*f.cpes[0]);
    f.bench.finish(*f.cpes[0]);
    f.bench.session(*f.cpes[0]);
    Changes out;
    ASSERT_TRUE(f.bench.planner().erase(f.cpes[1]->identity(), f.bench.now, out).has_value());
    EXPECT_EQ(f.bench.planner().device(f.cpes[1]->identity()), nullptr);
    EXPECT_EQ(f.view(id).row.state, RolloutState::finished);
    EXPECT_EQ(f.view(id).devices, 1u);
    EXPECT_FALSE(f.bench.planner().erase("nobody", f.bench.now, out).has_value());
}

TEST(Policy, IsKeptAndGroupsAnew) {
    Fleet f(3);
    EXPECT_THAT(f.bench.planner().groups(), SizeIs(3));
    Changes out;
    ASSERT_TRUE(f.bench.planner()
                    .set_policy(R"({"grouping":{"by_site":false}})", f.bench.now, out)
                    .has_value());
    EXPECT_THAT(f.bench.planner().groups(), SizeIs(1));
    EXPECT_FALSE(f.bench.planner().set_policy(R"({"x":1})", f.bench.now, out).has_value());
    f.bench.rows["policy/fleet"] = out.front();
    f.bench.restart();
    EXPECT_THAT(f.bench.planner().groups(), SizeIs(1));
    EXPECT_EQ(f.bench.planner().policy().version, 1u);
}

TEST(DevicePages, FilterSortAndGoOnFromACursor) {
    Fleet f(7, 3);
    f.cpes[4]->report.software_version = "1.5";
    f.bench.session(*f.cpes[4]);
    for (const auto sort : {DeviceSort::identity, DeviceSort::site, DeviceSort::software_version,
                            DeviceSort::last_seen})
        for (const bool is_descending : {false, true}) {
            DeviceQuery query;
            query.sort = sort;
            query.is_descending = is_descending;
            query.at_most = 4;
            std::set<std::string> seen;
            do {
                const auto page = f.bench.planner().devices(query).value();
                for (const auto& d : page.devices)
                    EXPECT_TRUE(seen.insert(d.row->identity).second) << "twice";
                query.after = page.next;
            } while (!query.after.empty());
            EXPECT_THAT(seen, SizeIs(21));
        }
    DeviceQuery query;
    query.filter.software_version = "1.5";
    EXPECT_THAT(f.bench.planner().devices(query).value().devices, SizeIs(1));
    query.filter.software_version = "9";
    EXPECT_THAT(f.bench.planner().devices(query).value().devices, SizeIs(0));
    query.after = "nonsense";
    EXPECT_FALSE(f.bench.planner().devices(query).has_value());
}

// What few devices fit costs a page no more than it may look at, and nobody is missed.
TEST(DevicePages, EndBeforeTheyAreFullWhereFewDevicesFit) {
    Fleet f(7, 3);
    const auto wanted = f.cpes[13]->identity();
    for (const auto sort : {DeviceSort::identity, DeviceSort::site, DeviceSort::last_seen})
        for (const bool is_descending : {false, true}) {
            DeviceQuery query;
            query.sort = sort;
            query.is_descending = is_descending;
            query.looks_at = 4;
            query.filter.contains = wanted.substr(4);
            std::vector<std::string> found;
            int pages = 0, empty = 0;
            do {
                const auto page = f.bench.planner().devices(query).value();
                for (const auto& d : page.devices) found.push_back(d.row->identity);
                query.after = page.next;
                ++pages;
                empty += page.devices.empty();
            } while (!query.after.empty() && pages < 100);
            EXPECT_EQ(std::ranges::count(found, wanted), 1);
            EXPECT_EQ(pages, 6) << "21 devices, 4 a page";
            EXPECT_GE(empty, 4);
        }
    DeviceQuery query;
    query.looks_at = 0;  // as good as one
    EXPECT_FALSE(f.bench.planner().devices(query).value().next.empty());
}

}  // namespace
}  // namespace sluice::service::bench
