// Full tables and floods: whatever a CPE or a collector does, the way to the ITMS stays open.

#include <fstream>
#include <gmock/gmock.h>

#include "tests/split_lab/hosts.hpp"

namespace sluice::split::lab {
namespace {

constexpr std::uint32_t kCpes = 150;
constexpr std::uint32_t kRoom = 100;

class Limits : public testing::Test {
protected:
    void SetUp() override {
        bench = the_bench();
        if (bench == nullptr) GTEST_SKIP() << why_no_bench();
        bench->take(0, 0ms);
        // Connection tracking remembers earlier tests: each has addresses of its own.
        static std::uint32_t next = 1u << 20;
        first = next;
        next += 1000;
    }
    void install(const Settings& settings) {
        const auto done = bench->install(settings);
        ASSERT_TRUE(done) << done.error().message;
    }
    std::map<Side, std::size_t> knock_all(std::uint16_t port) {
        for (std::uint32_t i = 0; i < kCpes; ++i) bench->send(Side::cpe, knock(first + i, port));
        return by_side(bench->take(kCpes, 500ms));
    }
    std::uint64_t counter(const Settings& settings, const char* name) {
        return KernelTable(bench->nft(), settings).look().value().counters[name];
    }

    Bench* bench = nullptr;
    std::uint32_t first = 0;
};

TEST_F(Limits, ACpeThatAFullActivatedTableCannotHoldReportsToTheItms) {
    auto settings = lab_settings();
    settings.sizes.activated = kRoom;
    install(settings);
    for (std::uint32_t i = 0; i < kCpes; ++i) wake(*bench, first + i);
    auto went = knock_all(5000);
    EXPECT_EQ(went[Side::collector], kRoom);
    EXPECT_EQ(went[Side::itms], kCpes - kRoom);
    EXPECT_EQ(counter(settings, "activations_lost"), kCpes - kRoom);
}

TEST_F(Limits, AReportThatAFullReportTableCannotHoldGoesToTheItms) {
    auto settings = lab_settings();
    settings.sizes.reports = kRoom;
    install(settings);
    for (std::uint32_t i = 0; i < kCpes; ++i) wake(*bench, first + i);
    auto went = knock_all(5000);
    EXPECT_EQ(went[Side::collector], kRoom);
    EXPECT_EQ(went[Side::itms], kCpes - kRoom);
}

TEST_F(Limits, ACallThatAFullTableCannotHoldIsMadeAndActivatesNobody) {
    auto settings = lab_settings();
    settings.sizes.activating = kRoom;
    install(settings);
    for (std::uint32_t i = 0; i < kCpes; ++i) wake(*bench, first + i);
    auto went = knock_all(5000);
    EXPECT_EQ(went[Side::collector], kRoom);
    EXPECT_EQ(went[Side::itms], kCpes - kRoom);
    EXPECT_EQ(counter(settings, "calls_untracked"), kCpes - kRoom);
}

TEST_F(Limits, ATableThatWasFullHasRoomAgainWhenItsRecordsEnd) {
    auto settings = lab_settings();
    settings.sizes.activated = 1;
    settings.lives.activation_ttl = 100ms;
    install(settings);
    wake(*bench, first);
    wake(*bench, first + 1);
    bench->send(Side::cpe, knock(first + 1, 5000));
    EXPECT_EQ(by_side(bench->take(1, 100ms))[Side::itms], 1u);
    // The kernel sweeps out what has ended about once a second.
    std::size_t turned = 0;
    for (std::uint16_t port = 6000; port < 6100 && turned == 0; ++port) {
        std::this_thread::sleep_for(50ms);
        wake(*bench, first + 1, port);
        bench->send(Side::cpe, knock(first + 1, port));
        turned = by_side(bench->take(1, 100ms))[Side::collector];
    }
    EXPECT_EQ(turned, 1u);
}

TEST_F(Limits, AFloodFromOneCpeLeavesEverybodyElseTheirWays) {
    constexpr std::uint32_t kFlood = 20'000;
    const auto settings = lab_settings();
    install(settings);
    const auto flooder = first + 500;
    for (const bool is_activated : {false, true}) {
        const auto victim = flooder + (is_activated ? 1u : 0u);
        if (is_activated) wake(*bench, victim);
        std::size_t passed = 0;
        for (std::uint32_t i = 0; i < kFlood; ++i) {
            bench->send(Side::cpe, knock(victim, static_cast<std::uint16_t>(10'000 + i)));
            if (i % 500 == 0) passed += bench->take(0, 0ms).size();
        }
        passed += bench->take(kFlood, 100ms).size();
        EXPECT_LE(passed, settings.sizes.connections_per_cpe + 2);
        EXPECT_GT(passed, 0u);

        wake(*bench, first + (is_activated ? 1u : 0u), 4500);
        const auto port = static_cast<std::uint16_t>(is_activated ? 5001 : 5000);
        auto went = knock_all(port);
        EXPECT_EQ(went[Side::collector], is_activated ? 2u : 1u);
        EXPECT_EQ(went[Side::itms] + went[Side::collector], kCpes);
        std::printf("flood of %u SYNs from one CPE%s: %zu went on, %u others: all their ways\n",
                    kFlood, is_activated ? ", activated" : "", passed, kCpes);
    }
    EXPECT_GT(counter(settings, "throttled"), 2 * kFlood - 1000);
}

}  // namespace
}  // namespace sluice::split::lab
