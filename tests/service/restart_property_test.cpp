// A planner that dies between any two sessions and comes back from its rows tells devices the very
// same things as one that lives on, whatever the rollout's terms and whatever devices do; and every
// transition of every device stands in the log once. Seeds are printed.

#include <gtest/gtest.h>

#include "tests/service/acs_bench.hpp"

namespace sluice::service::bench {
namespace {

struct World {
    Bench bench;
    Rng rng;
    Rng deaths;
    bool is_mortal;
    std::vector<Cpe*> cpes;
    std::string rollout;

    World(std::uint64_t seed, bool mortal) : rng(seed), deaths(seed + 1), is_mortal(mortal) {
        const auto image = an_image("2.0");
        bench.publish(image);
        const int devices = 4 + static_cast<int>(rng.below(10));
        for (int n = 1; n <= devices; ++n) {
            const auto site = "site-" + std::to_string(rng.below(4));
            auto cpe = rng.below(5) == 0 ? a_plain(n, site) : an_agent(n, site);
            if (rng.below(2) == 0) cpe.connection_url = "http://198.51.100.7:30005/x";
            cpes.push_back(&bench.add(std::move(cpe)));
        }
        rollout = bench.start(image.id, [&](RolloutSpec& s) {
            s.max_sites_at_once = static_cast<std::uint32_t>(rng.below(3));
            s.max_origin_transfers = static_cast<std::uint32_t>(rng.below(3));
            s.jitter = std::chrono::minutes(rng.below(2) * 30);
            if (rng.below(2) == 0) s.canary = so_many(2, 50);
            if (rng.below(2) == 0) s.waves = {so_many_percent(40, 50)};
            if (rng.below(3) == 0) s.windows = {WindowSpec{{}, 0, 720, "UTC"}};
            s.error.verification_count = static_cast<std::uint32_t>(rng.below(3));
        });
    }

    void step() {
        auto& cpe = *cpes[rng.below(cpes.size())];
        const auto what = rng.below(8);
        if (cpe.transfer && what < 4) {
            if (rng.below(6) == 0)
                bench.fault(cpe, rng.below(3) == 0 ? 9018 : 9010, "a fault");
            else
                bench.finish(cpe);
        }
        if (what == 7)
            bench.session_lost_at_order(cpe);
        else
            bench.session(cpe);
        const std::chrono::minutes pauses[] = {std::chrono::minutes(0), std::chrono::minutes(1),
                                               std::chrono::minutes(20), std::chrono::minutes(90)};
        const auto before = bench.planner().rollout(rollout)->row.state;
        const bool is_paused_now = rng.below(60) == 0 && before == RolloutState::running;
        if (is_paused_now) bench.turn(&Planner::pause, rollout);
        bench.pass(pauses[rng.below(4)]);
        const auto state = bench.planner().rollout(rollout)->row.state;
        const bool is_stopped = state == RolloutState::paused || state == RolloutState::halted;
        if (is_stopped && rng.below(6) == 0) bench.turn(&Planner::resume, rollout);
        if (!is_mortal || deaths.below(5) != 0) return;
        bench.restart();
        bench.tick();  // as the process does before it listens
    }
};

// Due is a word for who is called: nothing was told yet.
std::string told(World& world) {
    auto out = world.bench.states(world.rollout);
    for (std::size_t at = 0; (at = out.find(" due", at)) != std::string::npos;)
        out.replace(at, 4, " waiting");
    return out;
}

TEST(Restart, AtAnyTimeChangesNoDecision) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        World living(seed, false), dying(seed, true);
        for (int i = 0; i < 150; ++i) {
            living.step();
            dying.step();
            ASSERT_EQ(dying.bench.log, living.bench.log)
                << "step " << i << ": " << living.bench.planner().rollout(living.rollout)->row.spec
                << "\n"
                << living.bench.states(living.rollout) << "\n"
                << dying.bench.states(dying.rollout);
            ASSERT_EQ(told(dying), told(living)) << "step " << i;
        }
    }
}

TEST(Events, TellEveryTransitionOnceAndInOrder) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        World world(seed, seed % 2 == 0);
        for (int i = 0; i < 150; ++i) world.step();
        std::map<std::string, std::string> state;
        for (const auto& e : world.bench.events) {
            if (e.kind != "device.state") continue;
            auto& held = state.emplace(e.identity, "waiting").first->second;
            ASSERT_EQ(e.from, held) << e.identity;
            ASSERT_NE(e.to, held) << e.identity;
            held = e.to;
        }
        for (auto* cpe : world.cpes) {
            const auto at = state.find(cpe->identity());
            EXPECT_EQ(world.bench.seat(world.rollout, *cpe).state,
                      at == state.end() ? "waiting" : at->second);
        }
    }
}

}  // namespace
}  // namespace sluice::service::bench
