// The ACS dies at any moment. Rows are durable before anything leaves, so a planner out of rows
// goes on as the old one would have: nothing acknowledged is lost, nothing is installed twice,
// every rollout ends. Seeds are printed and can be given back.

#include <gmock/gmock.h>
#include <set>

#include "tests/service/acs_bench.hpp"

namespace sluice::service {
namespace {

using namespace bench;
using std::chrono::minutes;

// Devices that do whatever devices do, in random order.
struct Storm {
    Bench bench;
    Rng rng;
    ImageRow image = an_image("2.0");
    std::string rollout;
    int restarts = 0;
    std::uint64_t restart_one_in = 0;

    explicit Storm(std::uint64_t seed) : rng(seed) {
        bench.publish(image);
        for (int s = 0; s < 4; ++s)
            for (int d = 1; d <= 6; ++d) {
                const auto site = "site-" + std::to_string(s);
                auto cpe = d == 6 ? a_plain(s * 20 + d, site) : an_agent(s * 20 + d, site);
                cpe.report.is_gateway = d == 3;
                cpe.connection_url = s % 2 == 0 ? "http://10.0.0.1/x" : "";
                bench.add(std::move(cpe));
            }
    }

    void start(std::uint32_t max_sites) {
        rollout = bench.start(image.id, [&](RolloutSpec& s) {
            s.max_sites_at_once = max_sites;
            s.max_attempts = 20;
            s.plain_canaries = 1;
        });
        if (restart_one_in == 0) return;
        bench.between = [this] {
            if (rng.below(restart_one_in) != 0) return;
            ++restarts;
            bench.restart();
        };
    }

    bool is_over() { return bench.planner().rollout(rollout)->row.state == RolloutState::finished; }

    void step() {
        const auto all = bench.all();
        auto& cpe = *all[rng.below(all.size())];
        switch (rng.below(8)) {
            case 0:
                static_cast<void>(bench.session_lost_at_order(cpe));
                break;
            case 1:
                if (cpe.transfer && rng.below(3) == 0) bench.fault(cpe, 9017, "stalled");
                break;
            case 2:
            case 3:
                if (cpe.transfer) bench.finish(cpe);
                break;
            default:
                bench.session(cpe);
        }
        if (rng.below(4) == 0) bench.pass(minutes(rng.below(20)));
        bench.call([&](Cpe&) { return rng.below(3) != 0; });
    }

    void expect_whole() {
        for (auto* cpe : bench.all()) {
            EXPECT_EQ(cpe->installed, 1) << cpe->identity();
            EXPECT_EQ(cpe->report.software_version, "2.0") << cpe->identity();
            EXPECT_EQ(bench.seat(rollout, *cpe).state, "done")
                << cpe->identity() << ": " << bench.seat(rollout, *cpe).why;
        }
    }
};

TEST(Acs, DiesAtRandomMomentsAndNothingIsInstalledTwiceAndTheRolloutEnds) {
    for (std::uint64_t seed = 1; seed <= 16; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Storm storm(seed);
        storm.restart_one_in = 5 + seed % 20;
        storm.start(static_cast<std::uint32_t>(seed % 3));
        int steps = 0;
        for (; steps < 6000; ++steps) {
            if (steps % 16 == 0 && storm.is_over()) break;
            storm.step();
        }
        EXPECT_TRUE(storm.is_over()) << storm.bench.states(storm.rollout);
        EXPECT_GT(storm.restarts, 5);
        storm.expect_whole();
        if (testing::Test::HasFailure()) return;
    }
}

// A row for a row: what is restored shows the same rows, and gives the same orders.
TEST(Acs, OutOfItsRowsAnswersAsTheOldOneWould) {
    for (std::uint64_t seed = 100; seed < 115; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Storm storm(seed);
        storm.start(0);
        for (int i = 0; i < 300; ++i) {
            storm.step();
            if (i % 10 != 0) continue;
            auto& bench = storm.bench;
            bench.tick();
            const auto before = bench.planner().rollout_devices(storm.rollout, "", 100);
            bench.restart();
            bench.tick();
            const auto after = bench.planner().rollout_devices(storm.rollout, "", 100);
            ASSERT_EQ(before.size(), after.size());
            for (std::size_t d = 0; d < before.size(); ++d) {
                EXPECT_EQ(before[d].state, after[d].state) << before[d].identity;
                EXPECT_EQ(before[d].command_key, after[d].command_key) << before[d].identity;
                EXPECT_EQ(before[d].plan, after[d].plan);
                EXPECT_EQ(before[d].attempts, after[d].attempts);
                EXPECT_EQ(before[d].why, after[d].why);
                EXPECT_EQ(before[d].changed, after[d].changed) << before[d].identity;
                EXPECT_EQ(before[d].fetched, after[d].fetched);
                EXPECT_EQ(before[d].token, after[d].token);
            }
            if (testing::Test::HasFailure()) return;
        }
    }
}

TEST(Acs, GivesTheSameAssignmentAndTheSamePasswordsAfterItStartedAnew) {
    Storm storm(1);
    storm.start(0);
    for (int i = 0; i < 40; ++i) storm.step();
    auto& bench = storm.bench;
    std::map<std::string, std::string> before;
    for (auto* cpe : bench.all())
        if (cpe->is_agent())
            before[cpe->identity()] =
                bench.planner().assignment(bench.token(storm.rollout, *cpe), bench.now).value();
    bench.restart();
    for (const auto& [identity, json] : before)
        EXPECT_EQ(json, bench.planner()
                            .assignment(bench.token(storm.rollout, bench.at(identity)), bench.now)
                            .value());
}

TEST(Restore, NamesTheRowAtFault) {
    Storm storm(1);
    storm.start(0);
    for (auto& [key, row] : storm.bench.rows)
        if (auto* seat = std::get_if<RolloutDeviceRow>(&row)) seat->state = "lost";
    Planner planner(Bench::default_settings(), [](std::span<std::uint8_t>) {});
    std::vector<Row> rows;
    for (const auto& [key, row] : storm.bench.rows) rows.push_back(row);
    const auto restored = planner.restore(rows);
    ASSERT_FALSE(restored.has_value());
    EXPECT_EQ(restored.error().message, "rollout r: 00D09E-GW3-1: state: 'lost' is unknown");
}

}  // namespace
}  // namespace sluice::service
