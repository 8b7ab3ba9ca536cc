// What goes wrong, and what a run owes whatever does: everybody ends with the image, bytes are
// counted once, numbers by engine/transfer's policy.
#include <algorithm>
#include <gtest/gtest.h>

#include "engine/transfer/policy.hpp"
#include "tests/sim/flow/runs.hpp"

namespace sluice::sim::flow {
namespace {

using scenario::DeathKind;
using scenario::Distribution;
using scenario::Strategy;

constexpr double kImage = 268.435456e6;

double seconds(Duration d) {
    return std::chrono::duration<double>(d).count();
}

scenario::Scenario two_devices_whose_master_dies(DeathKind kind) {
    auto s = ideal();
    s.devices = 2;
    s.master_death = 1;
    s.death_at = Distribution::constant(0.5);
    s.death_kind = kind;
    return s;
}

// Half the image through the master, the silence, then the other half from the origin. The slave
// has every piece but the one the master had just verified, and heard of it last with the end of
// the piece before.
TEST(MasterDeath, OfItsPowerIsNoticedAfterTheSilenceOfTheSession) {
    const auto out = run(two_devices_whose_master_dies(DeathKind::power), Strategy::planned);
    const auto piece = kImage / 32 / 100e6;
    const auto heard = 15 * piece + kImage / 32 / 1e9;
    EXPECT_NEAR(out.last_done(), heard + seconds(transfer::kSilenceAfter) + 17 * piece, 1e-9);
    EXPECT_EQ(out.unfinished(), 1u);
    EXPECT_EQ(out.origin_fallbacks, 1u);
    EXPECT_EQ(out.lost_sources, 1u);
}

TEST(MasterDeath, OfItsProcessIsNoticedAtOnce) {
    const auto out = run(two_devices_whose_master_dies(DeathKind::process), Strategy::planned);
    EXPECT_NEAR(out.last_done(), 33 * kImage / 32 / 100e6, 1e-9);
}

TEST(MasterDeath, ThatIsNotForEverIsMadeUpFor) {
    auto s = two_devices_whose_master_dies(DeathKind::power);
    s.death_returns = 60;
    const auto out = run(s, Strategy::planned);
    EXPECT_EQ(out.unfinished(), 0u);
    EXPECT_GT(out.last_done(), 61);
}

// The stand-in goes to the origin for all of them.
TEST(MasterDeath, CostsAGroupAboutOneImageMore) {
    auto s = ideal();
    s.devices = 2000;
    s.master_death = 1;
    const auto out = run(s, Strategy::planned);
    EXPECT_EQ(out.unfinished(), 100u);
    EXPECT_LE(out.images_from_origin() / 100, 1.2);
    EXPECT_GE(out.images_from_origin() / 100, 1);
}

TEST(Poison, IsBannedAtTheFirstPieceAndNobodyEndsWithoutTheImage) {
    auto s = ideal();
    s.devices = 2000;
    s.poison_share = 0.1;
    const auto out = run(s, Strategy::planned);
    EXPECT_EQ(out.unfinished(), 0u);
    EXPECT_GT(out.wasted_bits, 0);
    // One piece a ban.
    EXPECT_NEAR(out.wasted_bits, static_cast<double>(out.lost_sources) * kImage / 32,
                0.05 * out.wasted_bits);
}

TEST(Outages, StretchARunAndEndWell) {
    auto s = ideal();
    s.devices = 400;
    s.origin_rate = 20e6;
    s.outages_per_day = 4;
    const auto calm = [&] {
        auto quiet = s;
        quiet.outages_per_day = 0;
        return run(quiet, Strategy::planned);
    }();
    const auto out = run(s, Strategy::planned);
    EXPECT_EQ(out.unfinished(), 0u);
    EXPECT_GT(out.last_done(), calm.last_done());
}

TEST(Brownout, StretchesWhatTheOriginCarries) {
    auto s = ideal();
    s.devices = 100;
    s.site_size = Distribution::constant(1);
    s.origin_rate = 1e9;
    s.brownout_at = 5;
    s.brownout_for = 10;
    s.brownout_to = 0.5;
    // 100 images at 1 Gbit/s; for 10 s at half of it.
    EXPECT_NEAR(run(s, Strategy::unicast).last_done(), 100 * kImage / 1e9 + 5, 1e-6);
}

// Two ways to the same answer: solved in one go, or event by event.
TEST(Fidelity, QuietGroupsEndAsTheyDoEventByEvent) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        auto s = ideal();
        s.goodput = 0.956;
        s.devices = 300;
        s.site_size = Distribution::parse("uniform 1 .. 30", scenario::Unit::none).value();
        s.access_down =
            Distribution::parse("lognormal median 100 Mbit/s sigma 0.5", scenario::Unit::rate)
                .value();
        s.port_up =
            Distribution::parse("1 Gbit/s: 50 %, 100 Mbit/s: 50 %", scenario::Unit::rate).value();
        s.port_down =
            Distribution::parse("1 Gbit/s: 50 %, 60 Mbit/s: 50 %", scenario::Unit::rate).value();
        s.piece_time = 0.001;
        s.plain_share = 0.1;
        for (const auto strategy : {Strategy::planned, Strategy::star, Strategy::chain,
                                    Strategy::tree, Strategy::store_and_forward}) {
            const auto quiet = run(s, strategy, seed);
            const auto events = run(s, strategy, seed, true);
            ASSERT_EQ(quiet.groups_eventful, 0u);
            for (std::size_t d = 0; d < quiet.done_at.size(); ++d)
                ASSERT_NEAR(quiet.done_at[d], events.done_at[d], 1e-6)
                    << "seed " << seed << " device " << d << " strategy " << int(strategy);
            EXPECT_NEAR(quiet.origin_bits, events.origin_bits, 1);
        }
    }
}

// What the network carried is what devices took, cut-off pieces included.
TEST(Conservation, HoldsWithEverythingGoingWrong) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        auto s = ideal();
        s.devices = 500;
        s.origin_rate = 200e6;
        s.master_death = 0.3;
        s.death_returns = 20;
        s.poison_share = 0.05;
        s.outages_per_day = 20;
        s.site_size = Distribution::parse("uniform 1 .. 40", scenario::Unit::none).value();
        const auto out = run(s, Strategy::planned, seed);
        EXPECT_NEAR(out.usage.bits / out.origin_bits, 1, 1e-9) << "seed " << seed;
        EXPECT_EQ(out.unfinished(), 0u) << "seed " << seed;
        double series = 0;
        for (std::size_t i = 0; i < out.origin_payload.used(); ++i)
            series += out.origin_payload.mean(i) * out.origin_payload.step();
        EXPECT_NEAR(series / out.origin_bits, 1, 1e-9);
    }
}

TEST(Schedule, PollersWithoutCallsWaitForTheirMastersOrder) {
    auto s = ideal();
    s.devices = 200;
    s.informs = scenario::InformMode::periodic;
    s.inform_period = 86400;
    s.connection_requests = false;
    const auto out = run(s, Strategy::planned);
    EXPECT_EQ(out.unfinished(), 0u);
    EXPECT_LE(out.last_done(), 2 * 86400 + 60);
    EXPECT_GT(out.last_done(), 86400) << "somebody polled before its master";
    EXPECT_DOUBLE_EQ(out.images_from_origin(), 10);
    s.connection_requests = true;
    EXPECT_LE(run(s, Strategy::planned).last_done(), 86400 + 60);
}

TEST(Schedule, AWaveStartsWhenItsTurnComes) {
    auto s = ideal();
    s.devices = 4000;
    s.waves = "10 %, 100 %";
    s.wave_interval = 3600;
    const auto out = run(s, Strategy::planned);
    const auto early = std::ranges::count_if(out.done_at, [](double at) { return at < 3600; });
    EXPECT_NEAR(static_cast<double>(early) / 4000, 0.1, 0.08);
    EXPECT_GT(out.last_done(), 3600);
}

}  // namespace
}  // namespace sluice::sim::flow
