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
    const auto plans = flow::make_plans(s, population, seed, {}).value();
    return simulate(s, population, plans, strategy, seed).value();
}

double mean_done(const Outcome& o) {
    double sum = 0, count = 0;
    for (const auto at : o.done_at)
        if (at != kNotDone) sum += at, ++count;
    return sum / count;
}

void expect_same_answer(const scenario::Scenario& s, Strategy strategy, std::uint64_t seed) {
    const auto fluid = flow::run(s, strategy, seed);
    const auto sessions = by_sessions(s, strategy, seed);
    EXPECT_EQ(fluid.unfinished(), sessions.unfinished()) << "seed " << seed;
    EXPECT_NEAR(fluid.last_done() / sessions.last_done(), 1, 0.02) << "seed " << seed;
    EXPECT_NEAR(mean_done(fluid) / mean_done(sessions), 1, 0.02) << "seed " << seed;
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

TEST(Fidelities, SayWhichScenariosTheSlowOneDoesNotDo) {
    auto s = fleet();
    s.lan = scenario::LanKind::wifi;
    const auto population = flow::draw_population(s, 1);
    const auto plans = flow::make_plans(s, population, 1, {}).value();
    const auto refused = simulate(s, population, plans, Strategy::planned, 1);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().message, "lan.kind: only wired (fidelity session)");
}

}  // namespace
}  // namespace sluice::sim::session
