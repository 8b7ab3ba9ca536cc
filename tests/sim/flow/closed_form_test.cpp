// What theory says about one site, through planner and network: F = 32 MiB, 20 devices, access
// c = 100 Mbit/s, LAN ports L = 1 Gbit/s.
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "engine/base/rng.hpp"
#include "tests/sim/flow/runs.hpp"

namespace sluice::sim::flow {
namespace {

using scenario::Distribution;
using scenario::Strategy;

constexpr double kImage = 268.435456e6;
constexpr double kClose = 1e-6;

// Both ways: a quiet group in one go, and event by event.
class SiteForms : public testing::TestWithParam<bool> {
protected:
    double last(const scenario::Scenario& s, Strategy strategy) const {
        const auto out = run(s, strategy, 1, GetParam());
        EXPECT_EQ(out.unfinished(), 0u);
        return out.last_done();
    }
};
INSTANTIATE_TEST_SUITE_P(QuietAndByEvents, SiteForms, testing::Bool(),
                         [](auto& p) { return p.param ? "ByEvents" : "Quiet"; });

// F/c + (s-1) F/L = 7.784628
TEST_P(SiteForms, StoreAndForward) {
    EXPECT_NEAR(last(ideal(), Strategy::store_and_forward), 7.7846282, kClose);
}

// t1 + t2 + (K-1) max(t1, t2); t1 = F/(K c), t2 = (s-1) F/(K L): 5.184160
TEST_P(SiteForms, PipelinedStar) {
    const auto t1 = kImage / 32 / 100e6, t2 = 19 * kImage / 32 / 1e9;
    EXPECT_NEAR(last(ideal(), Strategy::star), t1 + t2 + 31 * std::max(t1, t2), kClose);
    EXPECT_NEAR(last(ideal(), Strategy::star), 5.1841597, kClose);
}

// (K+d-1) m t_piece; K = 32, d = 3, m = 1, 1 MiB at 100 Mbit/s: 2.852127
TEST_P(SiteForms, ChainOfEqualLinks) {
    auto s = ideal();
    s.devices = 3;
    s.port_up = s.port_down = Distribution::constant(100e6);
    EXPECT_NEAR(last(s, Strategy::chain), 34 * kImage / 32 / 100e6, kClose);
    EXPECT_NEAR(last(s, Strategy::chain), 2.8521267, kClose);
}

// The same with fan-out 2 and access at half the port: every hop carries at m t_piece.
TEST_P(SiteForms, TreeOfEqualLinks) {
    auto s = ideal();
    s.devices = 7;
    s.fan_out = 2;
    s.access_down = Distribution::constant(50e6);
    s.port_up = s.port_down = Distribution::constant(100e6);
    EXPECT_NEAR(last(s, Strategy::tree), (32 + 3 - 1) * 2 * kImage / 32 / 100e6, kClose);
}

// (1 + floor(log2 N)/M) F/C for N = 19 peers of a master that has all, C = 1 Gbit/s: 0.301990.
// The master's own copy comes over an access line so fast that it does not count.
TEST(ClosedForms, SwarmApproachesTheOptimumOfEqualUplinks) {
    auto s = ideal();
    s.origin_rate = 1e16;
    s.access_down = Distribution::constant(1e15);
    s.port_down = Distribution::constant(1e15);
    EXPECT_NEAR(run(s, Strategy::swarm).last_done(), (1 + 4.0 / 32) * kImage / 1e9, 1e-5);
}

// N F/C and F/min(c, C/N) through population and planner.
TEST(ClosedForms, UnicastIsBoundByTheOriginOrByTheLine) {
    auto s = ideal();
    s.devices = 1000;
    s.site_size = Distribution::constant(1);
    EXPECT_NEAR(run(s, Strategy::unicast).last_done(), 26.8435456, kClose);
    s.devices = 50;
    EXPECT_NEAR(run(s, Strategy::unicast).last_done(), 2.68435456, kClose);
}

// max{F/u_s, F/d_min, N F/(u_s + Σu)}; u_s = 10 G, N = 1000, u = 20 M, d = 100 M: 8.948 s.
TEST(ClosedForms, FluidLowerBound) {
    auto s = ideal();
    s.devices = 1000;
    s.site_size = Distribution::constant(1000);
    s.port_up = Distribution::constant(20e6);
    s.max_fan_out = 4;
    const auto population = draw_population(s, 1);
    const auto plans = make_plans(s, population, 1, {}).value();
    EXPECT_NEAR(lower_bound(s, population, plans).seconds, 8.9478485, kClose);
}

TEST(ClosedForms, NoStrategyBeatsTheBound) {
    auto s = ideal();
    s.devices = 400;
    s.access_down =
        Distribution::parse("lognormal median 100 Mbit/s sigma 0.6", scenario::Unit::rate).value();
    s.site_size = Distribution::parse("uniform 1 .. 30", scenario::Unit::none).value();
    for (const auto strategy :
         {Strategy::planned, Strategy::unicast, Strategy::star, Strategy::chain, Strategy::tree,
          Strategy::store_and_forward, Strategy::swarm}) {
        const auto population = draw_population(s, 1);
        const auto plans = make_plans(s, population, 1, {}).value();
        EXPECT_GE(run(s, strategy).last_done(), lower_bound(s, population, plans).seconds);
    }
}

// A share 1 - sites/N of the copies stays off the origin.
TEST(ClosedForms, OneCopyASite) {
    auto s = ideal();
    s.devices = 2000;
    const auto out = run(s, Strategy::planned);
    EXPECT_DOUBLE_EQ(out.images_from_origin(), 100);
    EXPECT_DOUBLE_EQ(run(s, Strategy::unicast).images_from_origin(), 2000);
}

// Masters fail with probability p before they relay, and all slaves fall back: images a site
// (1-p) + p s; s = 20, p = 0.05: 1.95. 4000 sites; the band is 3.29 sigma of the binomial.
TEST(ClosedForms, FailedMastersCostTheirSlavesCopies) {
    auto s = ideal();
    s.devices = 80'000;
    s.origin_rate = 1e12;
    s.master_death = 0.05;
    s.death_at = Distribution::constant(1);
    s.death_kind = scenario::DeathKind::process;
    s.stand_ins = s.alternates = 0;
    const auto out = run(s, Strategy::store_and_forward, 7);
    const auto band = 3.29 * 19 * std::sqrt(0.05 * 0.95 / 4000);
    EXPECT_NEAR(out.images_from_origin() / 4000, 0.95 + 0.05 * 20, band);
    EXPECT_EQ(out.origin_fallbacks, out.groups_eventful * 19);
    EXPECT_EQ(out.unfinished(), 0u);
}

// The maximum of N exponential delays of mean 60 s has mean H_N / mu: N = 20, 215.9 s.
TEST(ClosedForms, TheLastOfExponentialDelays) {
    const auto delay = Distribution::parse("exponential mean 60 s", scenario::Unit::time).value();
    constexpr int kRuns = 20'000;
    double sum = 0, squares = 0;
    Rng rng(15);
    for (int run = 0; run < kRuns; ++run) {
        double last = 0;
        for (int i = 0; i < 20; ++i) last = std::max(last, delay.quantile(rng.uniform()));
        sum += last;
        squares += last * last;
    }
    const auto mean = sum / kRuns;
    EXPECT_NEAR(mean, 215.9, 3.29 * std::sqrt((squares / kRuns - mean * mean) / kRuns) + 0.05);
}

}  // namespace
}  // namespace sluice::sim::flow
