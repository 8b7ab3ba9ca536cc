// Fault-free worlds against formulas. F image, c origin, L port; K pieces; all costs but the links'
// set to nothing, so that the formula is the whole truth.
#include <gmock/gmock.h>

#include "sim/world/outcome.hpp"
#include "sim/world/world.hpp"
#include "tests/world/sites.hpp"

namespace sluice::sim::world {
namespace {

constexpr std::uint64_t kImage = 32u << 20;
constexpr double kBits = 8.0 * kImage;

SiteSpec ideal(SiteSpec site) {
    site.costs.header_factor = 1;
    site.costs.lan_delay = site.costs.origin_delay = 1us;
    site.costs.hash_bytes_per_s = 1e15;
    site.costs.per_piece = Duration{};
    return site;
}

double last_finish(const SiteSpec& site) {
    World world(site, {});
    Outcome outcome(world.host_count());
    world.add(outcome);
    EXPECT_EQ(world.run(Instant{1h}, 20'000'000), Ending::all_done);
    outcome.collect(world);
    EXPECT_LE(static_cast<double>(outcome.origin_bytes()), 1.01 * kImage);
    return static_cast<double>(outcome.last_finish().since_start.count()) / 1e9;
}

// F/c + (s-1) F/L: the slaves start when the master has the whole image.
TEST(ClosedForms, StoreAndForward) {
    auto site = ideal(site_of(kImage, 128 << 10, star(20)));
    site.origin_bps = 100e6;
    for (std::size_t h = 1; h < 20; ++h) site.hosts[h].starts_at = 2684355us;
    EXPECT_NEAR(last_finish(site), 7.784628, 0.078);
}

// t1 + t2 + (K-1) max(t1, t2); t1 = F/(K c), t2 = (s-1) F/(K L).
TEST(ClosedForms, PipelinedStar) {
    auto site = ideal(site_of(kImage, 1 << 20, star(20)));
    site.origin_bps = 100e6;
    EXPECT_NEAR(last_finish(site), 5.184160, 0.052);
}

TEST(ClosedForms, PipelinedStarBehindASlowOrigin) {
    auto site = ideal(site_of(kImage, 128 << 10, star(6)));
    site.origin_bps = 100e6;
    const double t1 = kBits / 256 / 100e6;
    const double t2 = 5 * kBits / 256 / 1e9;
    EXPECT_NEAR(last_finish(site), t2 + 256 * t1, 0.027);
}

// (K+d-1) t_piece: K pieces over d links of one rate.
TEST(ClosedForms, RelayChain) {
    auto site = ideal(site_of(kImage, 1 << 20, chain(3), 100e6));
    site.origin_bps = 100e6;
    EXPECT_NEAR(last_finish(site), 2.852127, 0.029);
}

TEST(ClosedForms, ALongChainOfSmallPiecesAtOneRate) {
    auto site = ideal(site_of(8 << 20, 16 << 10, chain(40), 25e6));
    site.origin_bps = 25e6;
    const double piece = 8.0 * (16 << 10) / 25e6;
    World world(site, {});
    Outcome outcome(40);
    world.add(outcome);
    EXPECT_EQ(world.run(Instant{1h}, 20'000'000), Ending::all_done);
    EXPECT_NEAR(static_cast<double>(outcome.last_finish().since_start.count()) / 1e9,
                (512 + 39) * piece, 0.01 * 551 * piece);
}

}  // namespace
}  // namespace sluice::sim::world
