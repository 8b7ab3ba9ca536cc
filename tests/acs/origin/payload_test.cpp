// What is counted, and how fast it goes.

#include <gmock/gmock.h>

#include "acs-plugin/origin/site_rates.hpp"
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

TEST(SiteRates, SharesASitesRateInTurnsAndLeavesOthersAlone) {
    SiteRates rates(8'000'000);  // 1 MB/s: a burst of 64 KiB
    const ExchangeId first{1}, second{2}, other{3};
    Instant now{1s};
    EXPECT_EQ(rates.take("a", first, 65536, now), 65536u);
    EXPECT_EQ(rates.take("a", first, 65536, now), 0u);
    EXPECT_EQ(rates.take("a", second, 65536, now), 0u);
    EXPECT_EQ(rates.take("b", other, 65536, now), 65536u);

    std::vector<ExchangeId> turns;
    std::uint64_t given = 0;
    for (int i = 0; i < 20; ++i) {
        now = rates.next_deadline();
        const auto id = rates.take_ready(now);
        ASSERT_TRUE(id.has_value());
        turns.push_back(*id);
        const auto bytes = rates.take("a", *id, 65536, now);
        EXPECT_GT(bytes, 0u);
        given += bytes;
        EXPECT_EQ(rates.take("a", *id, 65536, now), 0u) << "it goes behind the other";
    }
    for (std::size_t i = 0; i < turns.size(); ++i) EXPECT_EQ(turns[i], i % 2 == 0 ? first : second);
    const auto seconds = std::chrono::duration<double>(now - Instant{1s}).count();
    EXPECT_NEAR(static_cast<double>(given) / seconds, 1e6, 1e5);
}

TEST(SiteRates, LetsNobodyPassThoseWhoWait) {
    SiteRates rates(8'000'000);
    Instant now{1s};
    rates.take("a", ExchangeId{1}, 65536, now);
    EXPECT_EQ(rates.take("a", ExchangeId{1}, 65536, now), 0u);
    now = now + 1s;  // there would be enough for a newcomer
    EXPECT_EQ(rates.take("a", ExchangeId{2}, 65536, now), 0u);
    EXPECT_EQ(rates.take_ready(now), ExchangeId{1});
    EXPECT_EQ(rates.take("a", ExchangeId{1}, 65536, now), 65536u);
}

TEST(SiteRates, ForgetsWhoLeft) {
    SiteRates rates(8'000'000);
    const Instant now{1s};
    rates.take("a", ExchangeId{1}, 65536, now);
    EXPECT_EQ(rates.take("a", ExchangeId{2}, 65536, now), 0u);
    rates.forget("a", ExchangeId{2});
    EXPECT_EQ(rates.next_deadline(), Instant::never());
    EXPECT_EQ(rates.take_ready(now + 10s), std::nullopt);
}

TEST(SiteRates, KnowsNoLimitOfZero) {
    SiteRates rates(0);
    for (std::uint32_t i = 1; i < 100; ++i)
        EXPECT_EQ(rates.take("a", ExchangeId{i}, 1 << 20, Instant{}), 1u << 20);
}

}  // namespace
}  // namespace sluice::origin
