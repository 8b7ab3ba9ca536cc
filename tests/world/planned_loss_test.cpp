// Sites as the planner plans them lose one device, at any moment and in any way: the bars that the
// project has for one loss hold, whichever device it is.
#include <cstdlib>
#include <gmock/gmock.h>

#include "engine/base/rng.hpp"
#include "sim/world/oracle.hpp"
#include "tests/world/lab_scenarios.hpp"
#include "tests/world/random_worlds.hpp"

namespace sluice::sim::world {
namespace {

constexpr double kOriginBar = 1.20;  // images
// What a lost device had before others came is fetched again, and no more.
constexpr double kLateOriginBar = 2.05;
constexpr Duration kNewSourceBar = 2s;  // after silence or reset

struct Loss {
    LabScenario scenario;
    Fault fault;
};

Loss random_loss(std::uint64_t seed) {
    Rng rng(mix64(seed));
    Loss loss;
    auto& scenario = loss.scenario;
    scenario.hosts = 3 + static_cast<int>(rng.below(20));
    scenario.image_bytes = (1 + rng.below(8)) << 20;
    scenario.uplink_bps = rng.below(2) == 0 ? 20e6 : 100e6;
    scenario.port_bps = rng.below(2) == 0 ? 100e6 : 1e9;
    const auto whole_s = static_cast<double>(scenario.image_bytes) * 8 / scenario.uplink_bps;
    constexpr FaultKind kWays[] = {FaultKind::kill, FaultKind::cut_power, FaultKind::link_down};
    // The master, or mostly the master: most hangs on it.
    const auto victim = rng.below(2) == 0 ? 0 : rng.below(static_cast<unsigned>(scenario.hosts));
    loss.fault = {
        Instant{50ms + Duration(static_cast<Duration::rep>(rng.uniform() * whole_s * 1.05e9))},
        kWays[rng.below(3)], HostIndex{static_cast<std::uint32_t>(victim)}, 0};
    return loss;
}

// Half of the sites get their Assignments over two seconds instead of at once.
SiteSpec late_site(const Loss& loss, std::uint64_t seed) {
    auto site = lab_site(loss.scenario);
    Rng rng(mix64(seed) + 1);
    if (rng.below(2) == 0) return site;
    for (auto& host : site.hosts) {
        host.starts_at = Duration(static_cast<Duration::rep>(rng.below(2'000'000'000)));
    }
    return site;
}

TEST(PlannedSites, LoseOneDeviceWithinTheBars) {
    const auto only = seed_from_environment("SLUICE_SEED");
    const auto first = only.value_or(1);
    const auto last = only.value_or(seed_from_environment("SLUICE_SEEDS").value_or(200));
    int failures = 0;
    double most_origin = 0, longest_wait = 0;
    for (auto seed = first; seed <= last && failures < 6; ++seed) {
        const auto loss = random_loss(seed);
        const auto site = late_site(loss, seed);
        World world(site, {loss.fault});
        world.excuse(*loss.fault.host);
        Outcome outcome(world.host_count());
        world.add(outcome);
        Oracles oracles(world);
        const auto whole_s =
            static_cast<double>(loss.scenario.image_bytes) * 8 / loss.scenario.uplink_bps;
        const auto limit =
            Instant{Duration(static_cast<Duration::rep>((2.4 * whole_s + 18) * 1e9))};
        const auto ending = world.run(limit, 5'000'000);
        outcome.collect(world);
        const auto origin = static_cast<double>(outcome.origin_bytes()) /
                            static_cast<double>(loss.scenario.image_bytes);
        const bool is_late = site.hosts.back().starts_at > Duration{};
        const auto wait = is_late ? Duration{} : outcome.longest_to_new_source(loss.fault.at);
        const auto about = "SLUICE_SEED=" + std::to_string(seed) + ": " +
                           std::to_string(loss.scenario.hosts) + " hosts, " + describe(loss.fault);
        EXPECT_EQ(oracles.breaches(), "") << about;
        EXPECT_EQ(ending, Ending::all_done) << about;
        EXPECT_LE(origin, is_late ? kLateOriginBar : kOriginBar) << about;
        EXPECT_LE(wait, kNewSourceBar) << about;
        if (HasFailure()) ++failures;
        most_origin = std::max(most_origin, origin);
        longest_wait = std::max(longest_wait, static_cast<double>(wait.count()) / 1e9);
    }
    std::printf("origin at most %.3f images, new source after at most %.3f s\n", most_origin,
                longest_wait);
}

}  // namespace
}  // namespace sluice::sim::world
