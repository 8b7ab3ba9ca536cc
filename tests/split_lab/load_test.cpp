// A hundred thousand activated CPEs and two thousand new connections a second: every one takes its
// turn, and what a look-up costs does not grow with the table.

#include <algorithm>
#include <gmock/gmock.h>

#include "engine/base/rng.hpp"
#include "tests/split_lab/hosts.hpp"

namespace sluice::split::lab {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kActivated = 100'000;
constexpr std::uint32_t kRate = 2'000;  // new connections a second
constexpr std::uint32_t kSeconds = 5;
// CPEs of this test: even ones below 2 × the table's size are activated.
constexpr std::uint32_t kFirst = 2u << 20;

void activate(Bench& bench, const Settings& settings, std::uint32_t from, std::uint32_t to) {
    std::string commands;
    for (std::uint32_t i = from; i < to; ++i) {
        commands += (i - from) % 1000 == 0 ? (i == from ? "" : " }\n") : std::string();
        commands += (i - from) % 1000 == 0
                        ? "add element inet " + settings.table + " activated_10_3_0_10 { "
                        : ", ";
        commands += inventory::format_address(cpe_address(kFirst + 2 * i, true));
    }
    const auto done = bench.nft().run(commands + " }\n");
    ASSERT_TRUE(done) << done.error().message;
}

// Nanoseconds from a SYN's way in to its way out, the best of several rounds of many.
double nanoseconds_a_syn(Bench& bench, std::uint32_t activated, std::uint16_t port) {
    constexpr std::uint32_t kSyns = 2'000;
    auto best = Duration::max();
    for (std::uint16_t round = 0; round < 7; ++round) {
        std::vector<Segment> syns;
        // Each from another CPE, all over the table, every second one activated.
        const auto step = 2 * activated / kSyns;
        for (std::uint32_t i = 0; i < kSyns; ++i)
            syns.push_back(knock(kFirst + i * step + (step > 1 ? i % 2 : 0),
                                 static_cast<std::uint16_t>(port + round)));
        const auto start = Clock::now();
        for (const auto& syn : syns) bench.send(Side::cpe, syn);
        best = std::min<Duration>(best, Clock::now() - start);
        bench.take(kSyns, 200ms);
        // A RST before any answer, and connection tracking has forgotten it.
        for (auto& syn : syns) {
            syn.packet.flags = kRst;
            syn.seq += 1;
            bench.send(Side::cpe, syn);
        }
        bench.take(kSyns, 200ms);
    }
    return static_cast<double>(best.count()) / kSyns;
}

TEST(Load, ALookUpInALargeTableCostsWhatOneInASmallTableDoes) {
    auto* bench = the_bench();
    if (bench == nullptr) GTEST_SKIP() << why_no_bench();
    auto settings = lab_settings();
    settings.lives.activation_ttl = 1h;
    settings.sizes.connections_per_cpe = 0;  // ten CPEs make thousands here
    ASSERT_TRUE(bench->install(settings));
    std::uint32_t have = 0;
    std::map<std::uint32_t, double> cost;
    std::uint16_t port = 10'000;
    for (const std::uint32_t size : {1'000u, 10'000u, kActivated}) {
        activate(*bench, settings, have, size);
        have = size;
        cost[size] = nanoseconds_a_syn(*bench, size, port);
        port = static_cast<std::uint16_t>(port + 100);
        std::printf("%6u activated: %.0f ns for a SYN through the whole router\n", size,
                    cost[size]);
    }
    // Memory is farther away than cache; a table searched through would cost a hundred times.
    EXPECT_LT(cost[kActivated], 2 * cost[1'000]);
}

struct Tally {
    std::size_t opened = 0, wrong_turns = 0, answered = 0, wrong_answers = 0;
};

void see(const Arrival& arrival, Bench& bench, Tally& tally) {
    const auto& flow = arrival.segment.packet.flow;
    if (arrival.side == Side::cpe) {
        ++tally.answered;
        if (flow.source != address("10.2.0.10")) ++tally.wrong_answers;
        // Done with it, in connection tracking too.
        const auto back = flow.reversed();
        bench.send(Side::cpe, {{back, kRst}, 1001, 0, 0, 0});
        return;
    }
    if (!has_sign(arrival.segment.packet.flags, Sign::syn)) return;
    ++tally.opened;
    const bool is_activated = (flow.source.bytes[15] & 1) == 0;
    const auto expected = is_activated ? Side::collector : Side::itms;
    const auto host = address(is_activated ? "10.3.0.10" : "10.2.0.10");
    if (arrival.side != expected || flow.destination != host) ++tally.wrong_turns;
    bench.send(arrival.side, {{flow.reversed(), kSynAck}, 9000, 1001, 0, 0});
}

TEST(Load, AHundredThousandActivatedCpesAndTwoThousandConnectionsASecondTakeNoWrongTurn) {
    auto* bench = the_bench();
    if (bench == nullptr) GTEST_SKIP() << why_no_bench();
    auto settings = lab_settings();
    settings.lives.activation_ttl = settings.lives.linger = 1h;
    ASSERT_TRUE(bench->install(settings));
    activate(*bench, settings, 0, kActivated);
    bench->take(0, 0ms);
    Rng rng(1);
    Tally tally;
    const auto start = Clock::now();
    constexpr auto kEach = Duration(1s) / kRate;
    for (std::uint32_t i = 0; i < kRate * kSeconds; ++i) {
        std::this_thread::sleep_until(start + kEach * i);
        const auto cpe = kFirst + static_cast<std::uint32_t>(rng.below(2 * kActivated));
        bench->send(Side::cpe, knock(cpe, static_cast<std::uint16_t>(20'000 + i)));
        for (const auto& arrival : bench->take(0, 0ms)) see(arrival, *bench, tally);
    }
    const auto took = std::chrono::duration<double>(Clock::now() - start).count();
    for (int i = 0; i < 20; ++i)
        for (const auto& arrival : bench->take(1, 10ms)) see(arrival, *bench, tally);
    std::printf(
        "%u activated; %.0f new connections a second for %.1f s: %zu opened, %zu answered, "
        "%zu wrong turns\n",
        kActivated, kRate * kSeconds / took, took, tally.opened, tally.answered, tally.wrong_turns);
    EXPECT_EQ(tally.opened, kRate * kSeconds);
    EXPECT_EQ(tally.answered, kRate * kSeconds);
    EXPECT_EQ(tally.wrong_turns, 0u);
    EXPECT_EQ(tally.wrong_answers, 0u);
    EXPECT_GT(kRate * kSeconds / took, kRate * 0.98);
}

}  // namespace
}  // namespace sluice::split::lab
