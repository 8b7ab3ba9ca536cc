#include "engine/planning/shape.hpp"

#include <gmock/gmock.h>

namespace sluice::planning {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kMega = 1'000'000;

// `count` equal devices behind `inflow` Mbit/s, ports of `lan` Mbit/s, 256 pieces.
ShapeInput equal_site(std::uint32_t count, std::uint64_t lan, std::uint64_t inflow,
                      std::uint64_t mebibytes = 32, std::uint32_t pieces = 256) {
    ShapeInput in;
    in.length = mebibytes << 20;
    in.piece_length = static_cast<std::uint32_t>(in.length / pieces);
    in.inflow_bps = inflow * kMega;
    in.ports.assign(count, {lan * kMega, lan * kMega});
    in.relays = count;
    return in;
}

std::vector<std::uint32_t> chain_of(std::uint32_t count) {
    std::vector<std::uint32_t> parents{kFromOrigin};
    for (std::uint32_t i = 1; i < count; ++i) parents.push_back(i - 1);
    return parents;
}

double bound(const ShapeInput& in) {
    return static_cast<double>(in.length) * 8 * kWireOverhead / static_cast<double>(in.inflow_bps);
}

TEST(Forecast, OfOneDeviceIsTheImageAtTheInflow) {
    const auto in = equal_site(1, 1000, 100);
    const auto f = forecast(in, {kFromOrigin});
    EXPECT_DOUBLE_EQ(f.seconds, bound(in));  // 32 MiB at 100 Mbit/s, headers: 2.684 s x 1.046
    EXPECT_NEAR(f.seconds, 2.8078, 1e-3);
    EXPECT_EQ(f.hops, 0u);
}

// D equal links in a row: (K + D - 1)/K of F/u, and a hop's turn each.
TEST(Forecast, OfAChainIsTheClosedForm) {
    for (const std::uint32_t d : {2u, 10u, 40u}) {
        const auto in = equal_site(d, 25, 25, 8);
        EXPECT_NEAR(forecast(in, chain_of(d)).seconds,
                    bound(in) * (256 + d - 1) / 256 + (d - 1) * kHopSeconds, 1e-9);
    }
}

// N-1 children share the first device's port: (N-1)·F/uplink when that is the bottleneck.
TEST(Forecast, OfAStarIsTheUplinkShared) {
    const auto in = equal_site(40, 1000, 100);
    std::vector<std::uint32_t> star(40, 0);
    star[0] = kFromOrigin;
    const auto f = forecast(in, star);
    // one piece comes in before the first can go out: + (N-1)·piece/uplink
    EXPECT_NEAR(f.seconds, bound(in) * 3.9 * (1 + 1.0 / 256) + kHopSeconds, 1e-9);
    EXPECT_NEAR(f.head_room, 0, 1e-9);
    EXPECT_EQ(f.hops, 1u);
}

TEST(Forecast, SeesASlowDownlinkOnTheWay) {
    auto in = equal_site(3, 1000, 100);
    in.ports[1].down_bps = 10 * kMega;
    EXPECT_GT(forecast(in, {kFromOrigin, 0, 1}).seconds, bound(in) * 10);  // 2 hangs on 1
    auto leaf = forecast(in, {kFromOrigin, 0, 0});
    EXPECT_NEAR(leaf.seconds, bound(in) * 10, bound(in));  // 1 itself has no other way
}

struct Site {
    const char* name;
    ShapeInput in;
    const char* shape;
    double most_times_bound;
};

TEST(Shape, IsTheOneTheLabFoundBest) {
    const Site sites[] = {
        {"one", equal_site(1, 1000, 100), "one device", 1.0},
        {"two", equal_site(2, 1000, 100), "star", 1.01},
        {"six fit with head room", equal_site(7, 1000, 100), "star", 1.01},
        {"ten at 1 Gbit/s behind 100 Mbit/s", equal_site(10, 1000, 100), "tree of fan-out 7", 1.01},
        {"forty at 1 Gbit/s", equal_site(40, 1000, 100), "tree of fan-out 7", 1.01},
        {"forty, every link 25 Mbit/s", equal_site(40, 25, 25, 8), "chain", 1.19},
        {"the same in pieces of 16 KiB", equal_site(40, 25, 25, 8, 512), "chain", 1.11},
        {"forty at 100 Mbit/s behind 100", equal_site(40, 100, 100), "chain", 1.19},
        {"ten on slow ports behind a fast line", equal_site(10, 25, 100), "chain", 4.2},
    };
    for (const auto& site : sites) {
        const auto choice = choose_shape(site.in, {});
        EXPECT_EQ(name_of(choice.shape), site.shape) << site.name;
        EXPECT_LE(choice.shape.forecast.seconds, site.most_times_bound * bound(site.in) * 1.0001)
            << site.name;
        EXPECT_THAT(choice.reasons.at(0), HasSubstr(site.shape)) << site.name;
    }
}

TEST(Shape, GivesNoChildrenToASlowPortWhenOthersCanCarryThem) {
    auto in = equal_site(8, 1000, 100);
    in.ports[1] = {20 * kMega, 1000 * kMega};  // good down, poor up
    in.ports[2] = {20 * kMega, 1000 * kMega};
    ShapeRules narrow;
    narrow.max_fan_out = 3;
    const auto choice = choose_shape(in, narrow);
    for (const auto p : choice.shape.parents) EXPECT_TRUE(p != 1 && p != 2);
    EXPECT_LT(choice.shape.forecast.seconds, bound(in) * 1.05);
}

TEST(Shape, HangsNobodyOnADeviceThatMayNotServe) {
    auto in = equal_site(12, 1000, 100);
    in.relays = 2;
    for (const auto p : choose_shape(in, {}).shape.parents) EXPECT_TRUE(p == kFromOrigin || p < 2);
    in.relays = 1;
    EXPECT_EQ(name_of(choose_shape(in, {}).shape), "star");
}

TEST(Shape, ParentsAreAlwaysRankedBefore) {
    for (std::uint32_t count = 1; count < 70; ++count) {
        auto in = equal_site(count, count % 2 == 0 ? 1000 : 30, 100);
        const auto shape = choose_shape(in, {}).shape;
        ASSERT_EQ(shape.parents.size(), count);
        EXPECT_EQ(shape.parents[0], kFromOrigin);
        for (std::uint32_t i = 1; i < count; ++i) EXPECT_LT(shape.parents[i], i);
    }
}

TEST(Shape, OfMoreDevicesThanAnyFanOutIsStillFound) {
    auto in = equal_site(300, 1000, 100);
    in.relays = 1;
    const auto shape = choose_shape(in, {}).shape;
    EXPECT_EQ(name_of(shape), "star");
    EXPECT_THAT(shape.parents, testing::SizeIs(300));
}

TEST(Shape, NamesWhatStoodBesideIt) {
    EXPECT_THAT(choose_shape(equal_site(10, 1000, 100), {}).reasons,
                ElementsAre("tree of fan-out 7: 2.821 s = 1.005 x bound, 2 hops, uplinks 30 % free",
                            "tree of fan-out 3: 2.817 s = 1.003 x bound, 2 hops, uplinks 70 % free",
                            "star: 2.820 s = 1.004 x bound, 1 hop, uplinks 10 % free",
                            "chain: 2.836 s = 1.010 x bound, 9 hops, uplinks 90 % free"));
}

}  // namespace
}  // namespace sluice::planning
