// Random sites through random faults: every promise holds at every step, and once the faults are
// over whoever is up finishes in time. A failure prints its seed; SLUICE_SEED=<seed> runs that one
// alone and prints its trace, SLUICE_SEEDS=<n> runs more of them.
#include <gmock/gmock.h>
#include <iostream>
#include <sstream>

#include "sim/world/oracle.hpp"
#include "sim/world/outcome.hpp"
#include "sim/world/trace.hpp"
#include "sim/world/world.hpp"
#include "tests/world/random_worlds.hpp"

namespace sluice::sim::world {
namespace {

constexpr std::uint64_t kDefaultSeeds = 600;
constexpr std::uint64_t kMaxEvents = 3'000'000;

struct Verdict {
    std::string complaint;  // empty: all is well
    std::uint64_t trace_hash = 0;
    std::uint64_t events = 0;
    double origin_images = 0;
    double finished_after_s = 0;  // from the last fault
};

Verdict judge(std::uint64_t seed, std::ostream* text = nullptr) {
    const auto random = random_world(seed);
    World world(random.site, random.faults);
    for (const auto host : random.lost) world.excuse(host);
    Trace trace(text);
    Outcome outcome(world.host_count());
    world.add(trace);
    world.add(outcome);
    Oracles oracles(world);
    const auto ending = world.run(random.calm_from + random.bound, kMaxEvents,
                                  [&] { return !oracles.is_content(); });

    Verdict verdict{oracles.breaches(), trace.hash(), world.events(), 0, 0};
    outcome.collect(world);
    verdict.origin_images = static_cast<double>(outcome.origin_bytes()) /
                            static_cast<double>(random.site.layout.length);
    // Where nothing goes wrong and nobody reboots, one image enters, with its layer.
    const bool is_calm = random.faults.empty() && !random.is_impatient &&
                         std::ranges::none_of(random.site.hosts, [](const auto& host) {
                             return host.install_after.has_value();
                         });
    if (is_calm && verdict.origin_images > 1.01) {
        verdict.complaint += "took " + std::to_string(verdict.origin_images) + " images\n";
    }

    if (ending == Ending::time_up) verdict.complaint += "not done in time\n";
    if (ending == Ending::too_many_events) verdict.complaint += "too many events\n";
    for (std::uint32_t h = 0; h < world.host_count(); ++h) {
        const auto state = world.host(HostIndex{h}).state();
        const bool is_lost = std::ranges::find(random.lost, HostIndex{h}) != random.lost.end();
        if (!is_lost && state != HostState::finished) {
            verdict.complaint += "host " + std::to_string(h) +
                                 (state == HostState::gave_up ? " gave up\n" : " is not done\n");
        }
    }
    verdict.finished_after_s = static_cast<double>((world.now() - random.calm_from).count()) / 1e9;
    return verdict;
}

TEST(RandomWorlds, KeepEveryPromiseAndFinish) {
    if (const auto seed = seed_from_environment("SLUICE_SEED")) {
        std::cout << describe(random_world(*seed));
        const auto verdict = judge(*seed, &std::cout);
        EXPECT_EQ(verdict.complaint, "");
        return;
    }
    const auto seeds = seed_from_environment("SLUICE_SEEDS").value_or(kDefaultSeeds);
    std::uint64_t events = 0;
    double slowest = 0;
    int failures = 0;
    for (std::uint64_t seed = 1; seed <= seeds && failures < 5; ++seed) {
        const auto verdict = judge(seed);
        events += verdict.events;
        slowest = std::max(slowest, verdict.finished_after_s);
        if (verdict.complaint.empty()) continue;
        ++failures;
        ADD_FAILURE() << "SLUICE_SEED=" << seed << "\n"
                      << verdict.complaint << describe(random_world(seed));
    }
    std::cout << seeds << " worlds, " << events << " events; slowest done " << slowest
              << " s after its last fault\n";
}

TEST(RandomWorlds, RunTheSameWayTwice) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        EXPECT_EQ(judge(seed).trace_hash, judge(seed).trace_hash) << "seed " << seed;
    }
    EXPECT_NE(judge(1).trace_hash, judge(2).trace_hash);
}

}  // namespace
}  // namespace sluice::sim::world
