// Two fidelities, one answer: fleets of sessions and servers as the agent ships them beside the
// same fleets as fluid flows; within 2 %, failures on.
#include <algorithm>
#include <gtest/gtest.h>

#include "sim/session/session.hpp"
#include "tests/sim/flow/runs.hpp"

namespace sluice::sim::session {
namespace {

using flow::kNotDone;
using flow::Outcome;
using scenario::DeathKind;
using scenario::Distribution;
using scenario::LanKind;
using scenario::Strategy;

scenario::Scenario fleet() {
    scenario::Scenario s;
    s.devices = 300;
    s.site_size = Distribution::parse("uniform 1 .. 30", scenario::Unit::none).value();
    s.access_down =
        Distribution::parse("lognormal median 100 Mbit/s sigma 0.4", scenario::Unit::rate).value();
    s.port_up =
        Distribution::parse("1 Gbit/s: 70 %, 300 Mbit/s: 30 %", scenario::Unit::rate).value();
    s.piece_time = 0.001;
    return s;
}

Outcome by_sessions(const scenario::Scenario& s, Strategy strategy, std::uint64_t seed) {
    const auto population = flow::draw_population(s, seed);
    auto plans = flow::make_plans(s, population, seed, {}).value();
    flow::reshape(plans, strategy, static_cast<std::uint32_t>(s.fan_out));
    return simulate(s, population, plans, strategy, seed).value();
}

// Of those that have one, from the order on.
double mean_from_start(const Outcome& o, const std::vector<double>& at) {
    double sum = 0, count = 0;
    for (std::size_t d = 0; d < at.size(); ++d)
        if (at[d] != kNotDone) sum += at[d] - o.starts_at[d], ++count;
    return sum / count;
}

void expect_same_answer(const scenario::Scenario& s, Strategy strategy, std::uint64_t seed) {
    const auto fluid = flow::run(s, strategy, seed);
    const auto sessions = by_sessions(s, strategy, seed);
    EXPECT_EQ(fluid.unfinished(), sessions.unfinished()) << "seed " << seed;
    EXPECT_NEAR(fluid.last_done() / sessions.last_done(), 1, 0.02) << "seed " << seed;
    EXPECT_NEAR(mean_from_start(fluid, fluid.done_at) / mean_from_start(sessions, sessions.done_at),
                1, 0.02)
        << "seed " << seed;
    EXPECT_NEAR(fluid.origin_bits / sessions.origin_bits, 1, 0.02) << "seed " << seed;
}

TEST(Fidelities, AgreeOnAQuietFleet) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed)
        expect_same_answer(fleet(), Strategy::planned, seed);
}

TEST(Fidelities, AgreeWhereTheOriginBinds) {
    auto s = fleet();
    s.origin_rate = 500e6;
    expect_same_answer(s, Strategy::planned, 4);
    s.devices = 60;
    expect_same_answer(s, Strategy::unicast, 5);
}

TEST(Fidelities, AgreeWhenMastersDie) {
    for (const auto kind : {DeathKind::power, DeathKind::process})
        for (std::uint64_t seed = 1; seed <= 3; ++seed) {
            auto s = fleet();
            s.master_death = 0.4;
            s.death_at = Distribution::parse("uniform 10 % .. 90 %", scenario::Unit::share).value();
            s.death_kind = kind;
            expect_same_answer(s, Strategy::planned, seed);
        }
}

TEST(Fidelities, AgreeWhenPeersLie) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        auto s = fleet();
        s.poison_share = 0.05;
        expect_same_answer(s, Strategy::planned, seed);
    }
}

TEST(Fidelities, AgreeWhenMastersComeBack) {
    auto s = fleet();
    s.master_death = 0.4;
    s.death_returns = 5;
    expect_same_answer(s, Strategy::planned, 1);
}

TEST(Fidelities, AgreeWhenPowerIsCutAllOverTheFleet) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        auto s = fleet();
        s.origin_rate = 500e6;
        s.outages_per_day = 200;
        s.outage_length = Distribution::parse("uniform 5 s .. 60 s", scenario::Unit::time).value();
        expect_same_answer(s, Strategy::planned, seed);
    }
}

TEST(Fidelities, AgreeInABrownOut) {
    auto s = fleet();
    s.brownout_at = 3;
    s.brownout_for = 20;
    s.brownout_to = 0.02;
    expect_same_answer(s, Strategy::planned, 1);
}

TEST(Fidelities, AgreeWhenSomePeersAreSlow) {
    auto s = fleet();
    s.slow_share = 0.1;
    s.slow_factor = 0.05;
    expect_same_answer(s, Strategy::planned, 1);
}

// Called at any time of the day; masters above the gate make their slaves wait, or turn to others.
TEST(Fidelities, AgreeWhenProcessorsAreBusyByTheHour) {
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
        auto s = fleet();
        s.cpu_percent = Distribution::parse("uniform 50 .. 70", scenario::Unit::none).value();
        s.cpu_swing = 25;
        s.cpu_gate_percent = 80;
        s.informs = scenario::InformMode::periodic;
        const auto out = by_sessions(s, Strategy::planned, seed);
        EXPECT_GT(out.turned_away, 0u);
        expect_same_answer(s, Strategy::planned, seed);
    }
}

TEST(Fidelities, AgreeOnOneAirASite) {
    for (const auto strategy : {Strategy::planned, Strategy::star, Strategy::unicast}) {
        auto s = fleet();
        s.devices = 150;
        s.site_size = Distribution::parse("uniform 1 .. 6", scenario::Unit::none).value();
        s.lan = LanKind::wifi;
        s.air_rate = 150e6;
        expect_same_answer(s, strategy, 1);
    }
}

TEST(Fidelities, AgreeWherePeersReachEachOtherOverTheWan) {
    for (const auto strategy : {Strategy::planned, Strategy::chain}) {
        auto s = fleet();
        s.devices = 150;
        s.lan = LanKind::lines;
        s.aggregations = 3;
        s.aggregation_rate = 300e6;
        expect_same_answer(s, strategy, 1);
    }
}

TEST(Fidelities, AgreeBehindAggregationsAndOnSlowFlash) {
    auto s = fleet();
    s.aggregations = 4;
    s.aggregation_rate = 100e6;
    s.flash_write = 5e6;
    expect_same_answer(s, Strategy::planned, 1);
}

TEST(Fidelities, AgreeInEveryShapeThatAnAgentCanTake) {
    for (const auto strategy : {Strategy::star, Strategy::chain, Strategy::tree}) {
        auto s = fleet();
        s.master_death = 0.2;
        expect_same_answer(s, strategy, 2);
    }
}

// No agent relays only what it has whole; hosts do it for the comparison.
TEST(Fidelities, AgreeWhenAMasterGivesNothingBeforeItHasAll) {
    for (const double death : {0.0, 0.3}) {
        auto s = fleet();
        s.master_death = death;
        expect_same_answer(s, Strategy::store_and_forward, 1);
    }
}

// Installed by the machine of engine/install, ordered when the children are through, the gateway
// last.
TEST(Fidelities, AgreeOnWhenTheNewImageRuns) {
    auto s = fleet();
    s.install_time = 20;
    s.reboot_time = 40;
    const auto fluid = flow::run(s, Strategy::planned, 1);
    const auto sessions = by_sessions(s, Strategy::planned, 1);
    EXPECT_EQ(std::ranges::count(sessions.active_at, kNotDone), 0);
    EXPECT_NEAR(
        mean_from_start(fluid, fluid.active_at) / mean_from_start(sessions, sessions.active_at), 1,
        0.02);
    EXPECT_NEAR(std::ranges::max(fluid.active_at) / std::ranges::max(sessions.active_at), 1, 0.02);
}

// Four times the fleet at one origin takes four times as long, each device's share being a quarter;
// a device's work stays what it was, but for a look at its silent source every ten seconds.
TEST(Fidelities, TakeNoMoreEventsADeviceInALargerFleet) {
    const auto events_of_a_device = [](std::uint32_t devices) {
        auto s = fleet();
        s.devices = devices;
        s.origin_rate = 200e6;
        const auto out = by_sessions(s, Strategy::unicast, 1);
        EXPECT_EQ(out.unfinished(), 0u);
        return static_cast<double>(out.events) / devices;
    };
    EXPECT_LE(events_of_a_device(400), 1.25 * events_of_a_device(100));
}

TEST(Fidelities, SayWhichStrategiesTheSlowOneDoesNotDo) {
    const auto s = fleet();
    const auto population = flow::draw_population(s, 1);
    const auto plans = flow::make_plans(s, population, 1, {}).value();
    const auto refused = simulate(s, population, plans, Strategy::swarm, 1);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().message, "run.strategies: swarm is only modelled (fidelity session)");
}

}  // namespace
}  // namespace sluice::sim::session
