#include "sim/world/flow_network.hpp"

#include <gmock/gmock.h>
#include <map>

namespace sluice::sim::world {
namespace {

constexpr double kNoCap = std::numeric_limits<double>::infinity();
constexpr double kMbit = 1e6 / 8;
constexpr std::uint32_t kImage = 32u << 20;

double seconds(Instant t) {
    return static_cast<double>(t.since_start.count()) / 1e9;
}

Path over(std::initializer_list<LinkIndex> links) {
    Path path;
    for (const auto link : links) path.add(link);
    return path;
}

// Runs to the end; the time of each flow's last mark.
std::map<std::uint32_t, double> ends(FlowNetwork& network, Instant now = {}) {
    std::map<std::uint32_t, double> out;
    for (auto at = network.next_mark(now); at != Instant::never(); at = network.next_mark(at)) {
        out[network.pop_mark(at).value] = seconds(at);
    }
    return out;
}

// N F / C.
TEST(FlowNetwork, EndsAThousandEqualFlowsOnOneLinkTogether) {
    FlowNetwork network;
    const auto link = network.add_link(10'000 * kMbit);
    for (int i = 0; i < 1000; ++i) network.push(network.open(over({link}), kNoCap), kImage, {});
    for (const auto& [flow, at] : ends(network)) EXPECT_NEAR(at, 26.843546, 1e-6);
}

// F / min(c, C/N).
TEST(FlowNetwork, HoldsFlowsToTheirCap) {
    FlowNetwork network;
    const auto link = network.add_link(10'000 * kMbit);
    for (int i = 0; i < 50; ++i) {
        network.push(network.open(over({link}), 100 * kMbit), kImage, {});
    }
    for (const auto& [flow, at] : ends(network)) EXPECT_NEAR(at, 2.684355, 1e-6);
}

// C = 1, sizes 1, at 0 and 0.5: shared while they overlap, so 1.5 and 2.0.
TEST(FlowNetwork, SharesOnlyWhileFlowsOverlap) {
    FlowNetwork network;
    const auto link = network.add_link(1000);
    const auto first = network.open(over({link}), kNoCap);
    network.push(first, 1000, {});
    (void)network.next_mark({});
    const auto second = network.open(over({link}), kNoCap);
    network.push(second, 1000, Instant{500ms});
    const auto at = ends(network, Instant{500ms});
    EXPECT_DOUBLE_EQ(at.at(first.value), 1.5);
    EXPECT_DOUBLE_EQ(at.at(second.value), 2.0);
}

// C = 10, caps 2 and 20, size 10: at 2 and 8, so the other ends at 1.25 and the capped at 5.
TEST(FlowNetwork, FillsToTheWaterLevel) {
    FlowNetwork network;
    const auto link = network.add_link(10'000);
    const auto capped = network.open(over({link}), 2'000);
    const auto other = network.open(over({link}), 20'000);
    network.push(capped, 10'000, {});
    network.push(other, 10'000, {});
    const auto at = ends(network);
    EXPECT_DOUBLE_EQ(at.at(other.value), 1.25);
    EXPECT_DOUBLE_EQ(at.at(capped.value), 5.0);
}

TEST(FlowNetwork, KeepsAPausedFlowsPlaceAndGivesItsShareToOthers) {
    FlowNetwork network;
    const auto link = network.add_link(1000);
    const auto paused = network.open(over({link}), kNoCap);
    const auto other = network.open(over({link}), kNoCap);
    network.push(paused, 1000, {});
    network.push(other, 1000, {});
    (void)network.next_mark({});
    network.set_paused(paused, true, Instant{1s});  // 500 gone of each
    EXPECT_EQ(network.next_mark(Instant{1s}), Instant{1500ms});
    EXPECT_EQ(network.pop_mark(Instant{1500ms}), other);
    EXPECT_EQ(network.next_mark(Instant{1500ms}), Instant::never());
    EXPECT_DOUBLE_EQ(network.progress(paused, Instant{9s}), 500);
    network.set_paused(paused, false, Instant{9s});
    EXPECT_EQ(network.next_mark(Instant{9s}), Instant{9500ms});
}

TEST(FlowNetwork, FollowsAChangeOfCapacity) {
    FlowNetwork network;
    const auto link = network.add_link(1000);
    const auto flow = network.open(over({link}), kNoCap);
    network.push(flow, 1000, {});
    (void)network.next_mark({});
    network.set_capacity(link, 100, Instant{500ms});
    EXPECT_EQ(network.next_mark(Instant{500ms}), Instant{5500ms});
}

TEST(FlowNetwork, DoesNotSolveAgainForTheNextSegmentOfABusyFlow) {
    FlowNetwork network;
    const auto link = network.add_link(1000);
    const auto flow = network.open(over({link}), kNoCap);
    network.push(flow, 100, {});
    auto at = network.next_mark({});
    const auto solves = network.solves();
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(network.pop_mark(at), flow);
        network.push(flow, 100, at);
        at = network.next_mark(at);
    }
    EXPECT_EQ(at, Instant{1100ms});
    EXPECT_EQ(network.solves(), solves);
}

TEST(FlowNetwork, CountsEveryByteThatMoved) {
    FlowNetwork network;
    const auto link = network.add_link(1000);
    const auto closed = network.open(over({link}), kNoCap);
    const auto other = network.open(over({link}), kNoCap);
    network.push(closed, 1000, {});
    network.push(other, 1000, {});
    (void)network.next_mark({});
    network.close(closed, Instant{1s});
    EXPECT_NEAR(network.moved(Instant{1s}), 1000, 1e-6);
    (void)ends(network, Instant{1s});
    EXPECT_NEAR(network.moved(Instant{9s}), 1500, 1e-3);
}

}  // namespace
}  // namespace sluice::sim::world
