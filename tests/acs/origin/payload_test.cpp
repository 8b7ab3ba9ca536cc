// What is counted, and how fast it goes.

#include <gmock/gmock.h>

#include "acs-plugin/origin/rates.hpp"
#include "tests/acs/origin/origin_rig.hpp"

namespace sluice::origin {
namespace {

using net::ExchangeId;

bool becomes_true(auto condition) {
    for (int i = 0; i < 5000; ++i) {
        if (condition()) return true;
        ::usleep(1000);
    }
    return false;
}

TEST(Payload, IsCountedBySiteLayersToo) {
    OriginRig rig;
    rig.start();
    rig.ask("/p/a1/gw3.bin");
    rig.ask("/p/a2/gw3.bin", "Range: bytes=0-99\r\n");
    rig.ask("/p/b1/gw3.bin.layer");
    EXPECT_EQ(rig.sent_to("home-a"), 150'100u);
    EXPECT_EQ(rig.sent_to("home-b"), rig.layer.size());
    EXPECT_EQ(rig.thread.run([&] { return rig.tokens.requests["home-a"]; }), 2u);
}

TEST(Payload, IsCountedOfATransferThatBrokeOff) {
    OriginRig rig(16 << 20);
    rig.start();
    tests::RawClient client(rig.port, 4096);
    client.send("GET /p/a1/gw3.bin HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_EQ(client.receive(100'000).size(), 100'000u);
    client.reset();
    ASSERT_TRUE(becomes_true(
        [&] { return rig.thread.run([&] { return rig.origin->http_counters().open; }) == 0; }));
    EXPECT_GT(rig.sent_to("home-a"), 99'000u);
    EXPECT_LT(rig.sent_to("home-a"), 16u << 20);
}

TEST(Payload, GoesNoFasterThanTheSiteMay) {
    OriginRig rig(400'000);
    rig.options.site_rate_bps = 16'000'000;  // 400 kB take 0.2 s, less a burst of 100 kB
    rig.start();
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(rig.ask("/p/a1/gw3.bin").body, rig.text());
    const auto took = std::chrono::steady_clock::now() - began;
    EXPECT_GT(took, 120ms);
}

TEST(Rates, SharesASitesRateInTurnsAndLeavesOthersAlone) {
    constexpr std::uint64_t rate = 8'000'000;
    Rates rates;
    const ExchangeId first{1}, second{2}, other{3};
    Instant now{1s};
    EXPECT_EQ(rates.take("a", rate, first, 65536, now), 65536u);
    EXPECT_EQ(rates.take("a", rate, first, 65536, now), 0u);
    EXPECT_EQ(rates.take("a", rate, second, 65536, now), 0u);
    EXPECT_EQ(rates.take("b", rate, other, 65536, now), 65536u);

    std::vector<ExchangeId> turns;
    std::uint64_t given = 0;
    for (int i = 0; i < 20; ++i) {
        now = rates.next_deadline();
        const auto id = rates.take_ready(now);
        ASSERT_TRUE(id.has_value());
        turns.push_back(*id);
        const auto bytes = rates.take("a", rate, *id, 65536, now);
        EXPECT_GT(bytes, 0u);
        given += bytes;
        EXPECT_EQ(rates.take("a", rate, *id, 65536, now), 0u) << "it goes behind the other";
    }
    for (std::size_t i = 0; i < turns.size(); ++i) EXPECT_EQ(turns[i], i % 2 == 0 ? first : second);
    const auto seconds = std::chrono::duration<double>(now - Instant{1s}).count();
    EXPECT_NEAR(static_cast<double>(given) / seconds, 1e6, 1e5);
}

TEST(Rates, LetsNobodyPassThoseWhoWait) {
    constexpr std::uint64_t rate = 8'000'000;
    Rates rates;
    Instant now{1s};
    rates.take("a", rate, ExchangeId{1}, 65536, now);
    EXPECT_EQ(rates.take("a", rate, ExchangeId{1}, 65536, now), 0u);
    now = now + 1s;  // there would be enough for a newcomer
    EXPECT_EQ(rates.take("a", rate, ExchangeId{2}, 65536, now), 0u);
    EXPECT_EQ(rates.take_ready(now), ExchangeId{1});
    EXPECT_EQ(rates.take("a", rate, ExchangeId{1}, 65536, now), 65536u);
}

TEST(Rates, ForgetsWhoLeft) {
    constexpr std::uint64_t rate = 8'000'000;
    Rates rates;
    const Instant now{1s};
    rates.take("a", rate, ExchangeId{1}, 65536, now);
    EXPECT_EQ(rates.take("a", rate, ExchangeId{2}, 65536, now), 0u);
    rates.forget("a", ExchangeId{2});
    EXPECT_EQ(rates.next_deadline(), Instant::never());
    EXPECT_EQ(rates.take_ready(now + 10s), std::nullopt);
}

TEST(Rates, KnowsNoLimitOfZero) {
    constexpr std::uint64_t rate = 0;
    Rates rates;
    for (std::uint32_t i = 1; i < 100; ++i)
        EXPECT_EQ(rates.take("a", rate, ExchangeId{i}, 1 << 20, Instant{}), 1u << 20);
}

TEST(RateLadder, LetsThroughWhatTheNarrowestPlaceDoes) {
    RateLadder ladder;
    Passage passage{{Passage::Gate{"site", 80'000'000, 0}, Passage::Gate{"r1", 8'000'000, 0},
                     Passage::Gate{"", 800'000'000, 0}}};
    Instant now{1s};
    std::uint64_t given = ladder.take(passage, ExchangeId{1}, 65536, now);
    EXPECT_EQ(given, 65536u) << "every bucket begins full";
    given = 0;
    for (int i = 0; i < 100; ++i) {
        if (const auto bytes = ladder.take(passage, ExchangeId{1}, 65536, now); bytes > 0) {
            given += bytes;
            continue;
        }
        now = ladder.next_deadline();
        ASSERT_EQ(ladder.take_ready(now), ExchangeId{1});
    }
    const auto seconds = std::chrono::duration<double>(now - Instant{1s}).count();
    EXPECT_NEAR(static_cast<double>(given) / seconds, 1e6, 1e5) << "the rollout's 8 Mbit/s";
}

TEST(RateLadder, BoundsARolloutOverAllItsSites) {
    RateLadder ladder;
    const auto passage = [](const char* site) {
        return Passage{{Passage::Gate{site, 0, 0}, Passage::Gate{"r1", 8'000'000, 0},
                        Passage::Gate{"", 0, 0}}};
    };
    auto a = passage("a"), b = passage("b");
    const Instant now{1s};
    EXPECT_EQ(ladder.take(a, ExchangeId{1}, 65536, now), 65536u);
    EXPECT_EQ(ladder.take(b, ExchangeId{2}, 65536, now), 0u);
    ladder.forget(b, ExchangeId{2});
    EXPECT_EQ(ladder.next_deadline(), Instant::never());
}

TEST(Payload, GoesNoFasterThanTheOriginAsAWholeMay) {
    OriginRig rig(400'000);
    rig.options.rate_bps = 16'000'000;
    rig.start();
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(rig.ask("/p/a1/gw3.bin").body, rig.text());
    EXPECT_GT(std::chrono::steady_clock::now() - began, 120ms);
}

TEST(Payload, GoesNoFasterThanItsRolloutMay) {
    OriginRig rig(400'000);
    rig.tokens.grants["a1"].max_origin_bps = 16'000'000;
    rig.start();
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(rig.ask("/p/a1/gw3.bin").body, rig.text());
    EXPECT_GT(std::chrono::steady_clock::now() - began, 120ms);
}

TEST(Payload, IsNotGivenToMoreTransfersThanThereMayBe) {
    OriginRig rig(16 << 20);
    rig.options.max_transfers = 1;
    rig.start();
    tests::RawClient first(rig.port, 4096);
    first.send("GET /p/a1/gw3.bin HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_EQ(first.receive(1000).size(), 1000u);
    const auto refused = rig.ask("/p/b1/gw3.bin");
    EXPECT_EQ(refused.status, 503u);
    EXPECT_NE(refused.head.find("Retry-After: "), std::string::npos);
    EXPECT_EQ(rig.ask("/p/b1/gw3.bin", "", "HEAD").status, 200u);
    EXPECT_EQ(
        rig.ask("/p/b1/gw3.bin", "Accept: application/vnd.sluice.assignment.v1+json\r\n").status,
        200u);
    first.reset();
    ASSERT_TRUE(becomes_true([&] { return rig.ask("/p/b1/gw3.bin").status == 200u; }));
    EXPECT_GE(rig.thread.run([&] { return rig.origin->counters().too_many; }), 1u);
}

TEST(Payload, IsNotGivenToASiteThatIsHeld) {
    OriginRig rig;
    rig.tokens.grants["a1"].is_held = true;
    rig.start();
    for (const char* path : {"/p/a1/gw3.bin", "/p/a1/gw3.bin.layer"}) {
        const auto refused = rig.ask(path);
        EXPECT_EQ(refused.status, 503u) << path;
        EXPECT_NE(refused.head.find("Retry-After: 300\r\n"), std::string::npos);
    }
    EXPECT_EQ(rig.sent_to("home-a"), 0u);
    EXPECT_EQ(rig.ask("/p/b1/gw3.bin").body, rig.text());
}

TEST(Payload, EndsWhereTheSitesBudgetDoes) {
    OriginRig rig(16 << 20);
    rig.tokens.budget = 1 << 20;
    rig.start();
    const auto answer = rig.ask("/p/a1/gw3.bin");
    EXPECT_LT(answer.body.size(), rig.bytes.size());
    EXPECT_LT(rig.sent_to("home-a"), 3u << 20) << "one step beyond it at most";
    EXPECT_EQ(rig.thread.run([&] { return rig.origin->counters().held; }), 1u);
    EXPECT_EQ(rig.ask("/p/b1/gw3.bin", "Range: bytes=0-99\r\n").body.size(), 100u);
}

}  // namespace
}  // namespace sluice::origin
