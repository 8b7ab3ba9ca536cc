// Solutions that stop at trunks are those that do not: the same flows, arriving and leaving, over
// the same links with and without a shared origin marked as one.
#include <gtest/gtest.h>
#include <map>
#include <vector>

#include "engine/base/rng.hpp"
#include "sim/network/general_network.hpp"

namespace sluice::sim::network {
namespace {

// Sites behind an origin and two aggregations; each has a line, an air and some ports.
struct Net {
    GeneralNetwork net;
    LinkId origin;
    std::vector<LinkId> aggregations, lines, airs, ports;

    Net(bool has_trunks, Rng rng) {
        const auto kind = [&](LinkKind k) { return has_trunks ? k : LinkKind::inner; };
        origin = net.add_link(4e8 * (0.3 + rng.uniform()), kind(LinkKind::origin));
        for (int a = 0; a < 2; ++a)
            aggregations.push_back(
                net.add_link(3e8 * (0.3 + rng.uniform()), kind(LinkKind::aggregation)));
        for (int site = 0; site < 8; ++site) {
            lines.push_back(net.add_link(1e8 * (0.2 + rng.uniform())));
            airs.push_back(net.add_link(2e8 * (0.2 + rng.uniform())));
            for (int port = 0; port < 3; ++port)
                ports.push_back(net.add_link(1e8 * (0.2 + rng.uniform())));
        }
    }
};

struct Wanted {
    std::size_t site, port;
    bool is_from_origin, is_twice_on_air;
    double cap, bits;
};

FlowId open(Net& n, const Wanted& w) {
    Route route;
    if (w.is_from_origin) {
        route.add(n.origin);
        route.add(n.aggregations[w.site % 2]);
        route.add(n.lines[w.site]);
        route.add(n.airs[w.site]);
    } else {
        route.add(n.ports[3 * w.site + w.port]);
        route.add(n.airs[w.site]);
        if (w.is_twice_on_air) route.add(n.airs[w.site]);
    }
    return n.net.open(route.all(), w.cap, w.bits);
}

void expect_same_run(std::uint64_t seed) {
    Rng rng(seed);
    Net with(true, rng), without(false, rng);
    std::map<std::uint32_t, FlowId> open_flows;  // those of `with` to those of `without`
    for (int step = 0; step < 400; ++step) {
        const auto at = with.net.next_finish();
        if (open_flows.empty())
            ASSERT_EQ(at, without.net.next_finish());
        else
            ASSERT_NEAR(at, without.net.next_finish(), 1e-9 * (1 + at)) << "seed " << seed;
        if (open_flows.size() < 40 && (open_flows.empty() || rng.below(2) == 0)) {
            const Wanted w{rng.below(8),
                           rng.below(3),
                           rng.below(3) == 0,
                           rng.below(2) == 0,
                           1e8 * (0.1 + rng.uniform()),
                           1e7 * (0.1 + rng.uniform())};
            const auto here = open(with, w);
            open_flows[here.value] = open(without, w);
        } else {
            const auto here = with.net.pop();
            without.net.advance(std::min(with.net.now(), without.net.next_finish()));
            with.net.close(here);
            without.net.close(open_flows.at(here.value));
            open_flows.erase(here.value);
        }
        double from_origin = 0;
        for (const auto& [here, there] : open_flows) {
            const auto rate = with.net.rate(FlowId{here});
            ASSERT_NEAR(rate, without.net.rate(there), 1e-9 * rate)
                << "seed " << seed << " step " << step;
            const auto link = with.net.binding(FlowId{here});
            from_origin += link && *link == with.origin ? rate : 0;
        }
        ASSERT_LE(from_origin, with.net.throughput() * (1 + 1e-12));
    }
}

TEST(GeneralNetwork, SolvesInsideOfTrunksWhatItWouldSolveThroughThem) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) expect_same_run(seed);
}

TEST(GeneralNetwork, LooksAtOneSiteOnlyWhileTheOriginsSharesStand) {
    GeneralNetwork net;
    const auto origin = net.add_link(100, LinkKind::origin);
    std::vector<LinkId> ports;
    for (int site = 0; site < 1000; ++site) {
        ports.push_back(net.add_link(50));
        net.open(std::array{origin, ports.back()}, 50, 1e6);
    }
    EXPECT_NEAR(net.throughput(), 100, 1e-9);
    const auto far = net.open(std::array{ports[7]}, 20, 1e6);
    EXPECT_DOUBLE_EQ(net.rate(far), 20);
    net.advance(10);
    // All are held back by the origin but the one that crosses a port alone, which is not counted.
    EXPECT_DOUBLE_EQ(net.usage().bound_by_origin, 10'000);
    EXPECT_NEAR(net.usage().bits, 1000, 1e-9);
}

// A transfer between two stations takes the air twice, one from the line once.
TEST(GeneralNetwork, CountsALinkAsOftenAsItIsCrossed) {
    GeneralNetwork net;
    const auto air = net.add_link(90);
    const auto relayed = net.open(std::array{air, air}, 1000, 1e6);
    EXPECT_DOUBLE_EQ(net.rate(relayed), 45);
    const auto direct = net.open(std::array{air}, 1000, 1e6);
    EXPECT_DOUBLE_EQ(net.rate(relayed), 30);
    EXPECT_DOUBLE_EQ(net.rate(direct), 30);
    net.close(relayed);
    EXPECT_DOUBLE_EQ(net.rate(direct), 90);
}

}  // namespace
}  // namespace sluice::sim::network
