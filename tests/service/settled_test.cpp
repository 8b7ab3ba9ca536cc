// Rollouts that have been over for a while: out of memory, shown as they were, turned by nobody.

#include <gmock/gmock.h>

#include "acs-plugin/service/outcome.hpp"
#include "tests/service/acs_bench.hpp"

namespace sluice::service {
namespace {

using namespace bench;
using std::chrono::hours;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr hours kWeek{24 * 7};

// Two homes of two, and a rollout that three of them finish and one fails.
struct Isp {
    Bench bench;
    ImageRow image = an_image("2.0");
    std::vector<Cpe*> cpes;
    std::string rollout;

    Isp() {
        image.published = {5};
        bench.publish(image);
        for (int n = 1; n <= 4; ++n)
            cpes.push_back(&bench.add(an_agent(n, n <= 2 ? "site-1" : "site-2")));
    }
    void finish_one() {
        rollout = bench.start(image.id, [](RolloutSpec& s) { s.max_attempts = 1; });
        for (int i = 0; i < 6; ++i)
            for (auto* cpe : cpes) {
                bench.session(*cpe);
                if (!cpe->transfer) continue;
                if (cpe == cpes.back())
                    bench.fault(*cpe, 9017, "stalled");
                else
                    bench.finish(*cpe);
                bench.session(*cpe);
            }
        ASSERT_EQ(view().row.state, RolloutState::finished) << bench.states(rollout);
    }
    RolloutView view() { return bench.planner().rollout(rollout).value(); }
    bool is_settled() { return bench.planner().is_settled(rollout); }
    std::string why_not(Bench::Verb verb) {
        Changes out;
        const auto turned = (bench.planner().*verb)(rollout, bench.now, out);
        EXPECT_THAT(out, IsEmpty());
        return turned.has_value() ? "" : turned.error().message;
    }
    // As the store gives them: of a rollout that settled its own row alone.
    void restart_from_the_store() {
        std::erase_if(bench.rows, [&](const auto& each) {
            return each.first.starts_with("seat/" + rollout + "/") ||
                   each.first.starts_with("count/" + rollout + "/");
        });
        bench.restart();
    }
};

TEST(Settled, ARolloutLeavesMemoryAWeekAfterItsEndAndIsShownAsItWas) {
    Isp isp;
    isp.finish_one();
    const auto before = outcome_of(isp.view());
    const auto finished = isp.view().row.finished;
    isp.bench.pass(kWeek - minutes(1));
    ASSERT_FALSE(isp.is_settled());
    EXPECT_THAT(isp.bench.planner().rollout_devices(isp.rollout, "", 10), SizeIs(4));

    isp.bench.pass(minutes(2));

    for (const bool is_restarted : {false, true}) {
        ASSERT_TRUE(isp.is_settled());
        EXPECT_EQ(outcome_of(isp.view()), before);
        EXPECT_EQ(isp.view().row.state, RolloutState::finished);
        EXPECT_EQ(isp.view().row.finished, finished);
        EXPECT_TRUE(isp.view().row.key.empty()) << "the key of a view";
        EXPECT_EQ(isp.view().failed, 1u);
        EXPECT_THAT(isp.view().faults, ElementsAre(testing::Pair(9017, 1)));
        EXPECT_THAT(isp.bench.planner().rollouts(), SizeIs(1));
        EXPECT_THAT(isp.bench.planner().live_rollouts(), IsEmpty());
        EXPECT_THAT(isp.bench.planner().rollout_devices(isp.rollout, "", 10), IsEmpty());
        EXPECT_THAT(isp.bench.planner().rollout_sites(isp.rollout, "site-1", 10), SizeIs(1));
        if (!is_restarted) isp.restart_from_the_store();
    }
    EXPECT_EQ(isp.bench.planner().next_deadline(), std::nullopt);
}

TEST(Settled, TheTimeIsThePolicys) {
    Isp isp;
    isp.finish_one();
    Changes out;
    ASSERT_TRUE(isp.bench.planner().set_policy(R"({"settle_after_s":3600})", isp.bench.now, out));
    isp.bench.pass(minutes(59));
    EXPECT_FALSE(isp.is_settled());
    isp.bench.pass(minutes(2));
    EXPECT_TRUE(isp.is_settled());
}

TEST(Settled, IsSettledAgainWhereTheProcessDiedBeforeItsRowWasKept) {
    Isp isp;
    isp.finish_one();
    isp.bench.now = isp.bench.now + kWeek;
    const auto before = outcome_of(isp.view());
    Changes lost;
    isp.bench.planner().on_time(isp.bench.now, lost);
    ASSERT_TRUE(isp.is_settled());

    isp.bench.restart();

    EXPECT_FALSE(isp.is_settled());
    EXPECT_THAT(isp.bench.planner().rollout_devices(isp.rollout, "", 10), SizeIs(4));
    isp.bench.tick();
    EXPECT_TRUE(isp.is_settled());
    EXPECT_EQ(outcome_of(isp.view()), before);
}

TEST(Settled, NothingTurnsIt) {
    Isp isp;
    isp.finish_one();
    isp.bench.pass(kWeek);
    for (const auto verb : {&Planner::pause, &Planner::resume, &Planner::cancel, &Planner::retry})
        EXPECT_EQ(isp.why_not(verb),
                  "rollout 'r' is finished and settled: nothing turns it any more; what is left to"
                  " do is another rollout");
    // Its name stays its own, and who failed is for another one.
    EXPECT_EQ(isp.bench.start(isp.image.id), "r-2");
    EXPECT_EQ(isp.bench.states("r-2"), "4 waiting");
}

TEST(Settled, ACancelledOneIsCancelledAgainAndNothingHappens) {
    Isp isp;
    isp.rollout = isp.bench.start(isp.image.id);
    isp.bench.turn(&Planner::cancel, isp.rollout);
    isp.bench.pass(kWeek);
    ASSERT_TRUE(isp.is_settled());
    EXPECT_EQ(isp.why_not(&Planner::cancel), "");
    EXPECT_THAT(isp.why_not(&Planner::retry), HasSubstr("is cancelled and settled"));
    EXPECT_EQ(isp.view().row.state, RolloutState::cancelled);
    EXPECT_EQ(isp.view().states.at("cancelled"), 4u);
}

TEST(Settled, ItsTokensAreNobodys) {
    Isp isp;
    isp.finish_one();
    const auto token = isp.bench.token(isp.rollout, *isp.cpes[0]);
    ASSERT_TRUE(isp.bench.planner().is_over(token));
    isp.bench.pass(kWeek);
    EXPECT_FALSE(isp.bench.planner().is_over(token));
    EXPECT_FALSE(isp.bench.planner().grant(token));
    EXPECT_FALSE(isp.bench.planner().on_payload({isp.rollout, "x", "site-1", "", false, false, 0},
                                                100, true));
}

// The device failed, as far as the ACS knew; weeks later it says that it did install.
TEST(Settled, WhatADeviceSaysWeeksLateIsTakenAsAnyReport) {
    Isp isp;
    isp.finish_one();
    auto& late = *isp.cpes.back();
    const auto key = late.orders.back().command_key;
    isp.bench.pass(kWeek);
    ASSERT_TRUE(isp.is_settled());
    auto next = an_image("2.1");
    next.published = {6};
    isp.bench.publish(next);
    const auto second = isp.bench.start(next.id);
    isp.bench.session(*isp.cpes[2]);  // whom it takes from
    isp.bench.session(late);
    ASSERT_TRUE(late.transfer) << isp.bench.states(second);
    const auto attempts = isp.bench.seat(second, late).attempts;

    late.report.software_version = "2.0";
    late.pending.push_back({key, 9017, "stalled"});
    isp.bench.session(late);
    late.pending.push_back({key, 0, ""});
    isp.bench.session(late);

    EXPECT_EQ(isp.bench.planner().device(late.identity())->report.software_version, "2.0");
    EXPECT_EQ(isp.bench.seat(second, late).state, "fetching") << "the order of another rollout";
    EXPECT_EQ(isp.bench.seat(second, late).attempts, attempts);
    EXPECT_EQ(isp.bench.seat(second, late).fault, 0u);
    isp.bench.finish(late);
    isp.bench.session(late);
    EXPECT_EQ(isp.bench.seat(second, late).state, "done");
}

// An older rollout goes on for months; what a newer one brought stays.
TEST(Settled, ItsDevicesAreNotTakenBackToAnOlderImage) {
    for (const bool is_restarted : {false, true}) {
        Isp isp;
        auto old = an_image("1.5");
        old.published = {1};
        isp.bench.publish(old);
        const auto slow = isp.bench.start(old.id, [](RolloutSpec& s) {
            s.canary = so_many(0);
            s.canary->group.devices = {"00D09E-GW3-1"};
            s.canary->soak = kWeek * 3;
        });
        isp.rollout = isp.bench.start(isp.image.id, [](RolloutSpec& s) {
            s.devices = {"00D09E-GW3-3", "00D09E-GW3-4"};
        });
        ASSERT_TRUE(isp.bench.run_to_end(isp.rollout));
        for (int day = 0; day < 8; ++day) {
            isp.bench.pass(hours(24));
            for (auto* cpe : isp.cpes) isp.bench.session(*cpe);
        }
        ASSERT_TRUE(isp.is_settled());
        if (is_restarted) isp.restart_from_the_store();
        ASSERT_EQ(isp.bench.planner().rollout(slow)->row.state, RolloutState::running);

        bool is_over = false;
        for (int day = 0; day < 60 && !is_over; ++day) {
            isp.bench.pass(hours(24));
            is_over = isp.bench.run_to_end(slow, 1);
        }

        EXPECT_TRUE(is_over) << isp.bench.states(slow);
        EXPECT_EQ(isp.cpes[1]->report.software_version, "1.5") << "in the wave after the soak";
        for (const auto* cpe : {isp.cpes[2], isp.cpes[3]}) {
            EXPECT_EQ(cpe->report.software_version, "2.0") << is_restarted;
            EXPECT_EQ(cpe->installed, 1);
        }
        // Which is the operator's to do, if he means it.
        isp.bench.start(old.id, [](RolloutSpec& s) { s.devices = {"00D09E-GW3-3"}; });
        isp.bench.session(*isp.cpes[2]);
        EXPECT_TRUE(isp.cpes[2]->transfer);
    }
}

// A device that was told to fetch, and never came to be told to drop it.
TEST(Settled, AnOrderThatCouldNotBeTakenBackStandsInTheWayNoLonger) {
    Isp isp;
    isp.rollout = isp.bench.start(isp.image.id);
    auto& silent = *isp.cpes[0];
    isp.bench.session(silent);
    ASSERT_TRUE(silent.transfer);
    isp.bench.turn(&Planner::cancel, isp.rollout);
    ASSERT_EQ(isp.bench.seat(isp.rollout, silent).state, "cancelling");
    auto next = an_image("2.1");
    next.published = {6};
    isp.bench.publish(next);
    isp.bench.pass(kWeek - hours(1));
    const auto second =
        isp.bench.start(next.id, [&](RolloutSpec& s) { s.devices = {silent.identity()}; });
    isp.bench.pass(hours(1));
    ASSERT_TRUE(isp.is_settled());
    EXPECT_EQ(isp.view().states.at("cancelling"), 1u);
    silent.transfer.reset();

    isp.bench.session(silent);

    EXPECT_EQ(isp.bench.seat(second, silent).state, "fetching");
    EXPECT_EQ(silent.orders.back().target_file_name, next.name);
}

TEST(Settled, ManyLeaveOneAfterTheOther) {
    Isp isp;
    std::vector<std::string> all;
    for (int i = 0; i < 5; ++i) {
        isp.rollout = isp.bench.start(isp.image.id);
        isp.bench.turn(&Planner::cancel, isp.rollout);
        all.push_back(isp.rollout);
    }
    isp.bench.now = isp.bench.now + kWeek;
    for (std::size_t i = 0; i < all.size(); ++i) {
        Changes out;
        ASSERT_LE(isp.bench.planner().next_deadline().value(), isp.bench.now);
        isp.bench.planner().on_time(isp.bench.now, out);
        EXPECT_EQ(std::ranges::count_if(
                      all, [&](const auto& id) { return isp.bench.planner().is_settled(id); }),
                  i + 1);
    }
    std::vector<std::string> paged;
    for (std::string after;;) {
        const auto page = isp.bench.planner().rollouts(after, 2);
        for (const auto& each : page) paged.push_back(after = each.row.id);
        if (page.size() < 2) break;
    }
    EXPECT_EQ(paged, all);
}

// --- what is kept -------------------------------------------------------------------------------

RolloutView a_view() {
    RolloutView out;
    out.row.id = "r";
    out.image_name = "fw \"2.0\"";
    out.software_version = "2.0";
    out.image_length = std::uint64_t{1} << 60;
    out.priority = 7;
    out.devices = 6, out.done = 5, out.failed = 1;
    out.states = {{"done", 5}, {"failed", 1}};
    out.faults = {{9018, 1}};
    out.verification_failures = 2, out.late_starts = 3, out.origin_transfers = 4, out.permits = 5;
    out.origin_bytes = 6, out.canary_bytes = 7, out.peer_bytes = 8;
    out.first_ordered = {9}, out.last_fetched = {10}, out.last_done = {11};
    out.halt_reason = "too many failed";
    out.halted = {12};
    out.held_sites = 1, out.site_count = 2;
    WaveView w;
    w.number = 1, w.is_canary = true, w.whom = "group", w.state = "passed";
    w.devices = 6, w.ordered = 5, w.done = 4, w.failed = 3, w.skipped = 2;
    w.states = {{"done", 4}};
    w.success_percent = 95, w.error_percent = 10, w.success_now = 33.25, w.error_now = 0.5;
    w.opened = {1}, w.succeeded = {2}, w.passed = {3}, w.soak = std::chrono::seconds(60);
    out.waves = {w, WaveView{}};
    out.alarms = {{"00D09E-GW3-\"9\"", "site.budget", true, 5, 4},
                  {"site-2", "site.budget", false, 3, 2}};
    RolloutSiteView s;
    s.site = "site-1", s.devices = 3, s.done = 2, s.failed = 1;
    s.states = {{"done", 2}};
    s.origin_bytes = 1, s.canary_bytes = 2, s.peer_bytes = 3;
    s.first_ordered = {4}, s.last_fetched = {5}, s.last_done = {6};
    s.bound_seconds = 2.5;
    s.topology = "chain", s.topology_why = "3 s expected";
    out.sites = {s};
    return out;
}

TEST(Outcome, ComesBackAsItWas) {
    RolloutRow row;
    row.id = "r";
    row.state = RolloutState::finished;
    row.key = Bytes(32, 1);
    row.outcome = outcome_of(a_view());
    const auto back = view_of_settled(row);
    ASSERT_TRUE(back.has_value()) << back.error().message;
    EXPECT_EQ(outcome_of(back.value()), row.outcome);
    const auto& v = back.value();
    EXPECT_EQ(v.row.state, RolloutState::finished);
    EXPECT_TRUE(v.row.key.empty());
    EXPECT_EQ(v.image_length, std::uint64_t{1} << 60);
    EXPECT_EQ(v.faults, a_view().faults);
    ASSERT_THAT(v.waves, SizeIs(2));
    EXPECT_EQ(v.waves[0].success_now, 33.25);
    EXPECT_EQ(v.waves[0].soak, std::chrono::seconds(60));
    EXPECT_EQ(v.waves[0].states, a_view().waves[0].states);
    EXPECT_EQ(v.alarms.at(1).bytes, 3u);
    EXPECT_EQ(v.sites.at(0).bound_seconds, 2.5);
    EXPECT_EQ(v.sites.at(0).cursor, "site-1");
}

TEST(Outcome, IsRefusedWithTheFieldAtFault) {
    for (const auto& [from, to, why] :
         std::vector<std::tuple<std::string, std::string, std::string>>{
             {"\"devices\":6,\"done\":5", "\"devices\":-6,\"done\":5", "outcome: devices"},
             {"\"is_canary\":true", "\"is_canary\":1", "outcome: waves"},
             {"[[9018,1]]", "[[9018]]", "outcome: faults"},
             {"{", "[", "outcome: is not a JSON object"}}) {
        RolloutRow row;
        row.outcome = outcome_of(a_view());
        const auto at = row.outcome.find(from);
        ASSERT_NE(at, std::string::npos) << from;
        row.outcome.replace(at, from.size(), to);
        const auto back = view_of_settled(row);
        ASSERT_FALSE(back.has_value()) << to;
        EXPECT_THAT(back.error().message, HasSubstr(why));
    }
}

TEST(Outcome, ForgetsASubscribersDevice) {
    RolloutRow row;
    row.outcome = outcome_of(a_view());
    EXPECT_FALSE(forget_in_outcome(row, "site-"));
    ASSERT_TRUE(forget_in_outcome(row, "00D09E-GW3-\"9\""));
    EXPECT_THAT(row.outcome, testing::Not(HasSubstr("GW3")));
    EXPECT_THAT(view_of_settled(row).value().alarms, SizeIs(2));
}

}  // namespace
}  // namespace sluice::service
