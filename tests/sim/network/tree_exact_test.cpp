// The fast solver against progressive filling from scratch: random trees, random comings and
// goings, rates compared after every change and finishing times over whole runs.
#include <algorithm>
#include <gtest/gtest.h>
#include <vector>

#include "engine/base/rng.hpp"
#include "sim/network/general_network.hpp"
#include "sim/network/tree_network.hpp"

namespace sluice::sim::network {
namespace {

struct Shape {
    std::uint32_t flows;
    std::uint32_t sites;
    std::uint32_t aggregations;
    std::uint32_t distinct_caps;  // 0: every flow has a cap of its own
};

// The same links twice.
struct Twins {
    TreeNetwork tree;
    GeneralNetwork general;
    std::vector<std::vector<LinkId>> tree_paths, general_paths;  // by site
    std::vector<double> capacities;                              // by the general network's links

    Twins(const Shape& shape, Rng& rng, double scale) : tree(scale) {
        const auto origin = link(scale);
        std::vector<std::pair<LinkId, LinkId>> parents{{TreeNetwork::kOrigin, origin}};
        for (std::uint32_t a = 0; a < shape.aggregations; ++a) {
            const auto bps = scale * (0.1 + 2 * rng.uniform()) / shape.aggregations;
            parents.emplace_back(tree.add_aggregation(bps), link(bps));
        }
        for (std::uint32_t s = 0; s < shape.sites; ++s) {
            const auto at = rng.below(parents.size());
            const auto bps = scale * (0.1 + 4 * rng.uniform()) / shape.sites;
            tree_paths.push_back({tree.add_site(bps, parents[at].first)});
            general_paths.push_back({link(bps), origin});
            if (at > 0) general_paths.back().push_back(parents[at].second);
        }
    }
    LinkId link(double bps) {
        capacities.push_back(bps);
        return general.add_link(bps);
    }
};

double relative(double a, double b) {
    return std::abs(a - b) / std::max(std::abs(a), std::abs(b));
}

double worst_rate_gap(Twins& twins, const std::vector<std::pair<FlowId, FlowId>>& flows) {
    double worst = 0;
    for (const auto& [in_tree, in_general] : flows)
        worst = std::max(worst, relative(twins.tree.rate(in_tree), twins.general.rate(in_general)));
    return worst;
}

double cap_of(const Shape& shape, Rng& rng, double scale) {
    const auto part = shape.distinct_caps == 0
                          ? 0.01 + rng.uniform()
                          : static_cast<double>(1 + rng.below(shape.distinct_caps)) /
                                static_cast<double>(shape.distinct_caps);
    return 3 * scale * part / shape.flows;
}

void expect_equal_rates(const Shape& shape, std::uint64_t seed, int changes) {
    Rng rng(seed);
    const double scale = 1e6 * (1 + 1e4 * rng.uniform());
    Twins twins(shape, rng, scale);
    std::vector<std::pair<FlowId, FlowId>> flows;
    const auto open = [&] {
        const auto site = rng.below(shape.sites);
        const auto cap = cap_of(shape, rng, scale);
        const auto bits = 1e6 * rng.uniform();
        flows.emplace_back(twins.tree.open(twins.tree_paths[site], cap, bits),
                           twins.general.open(twins.general_paths[site], cap, bits));
    };
    for (std::uint32_t i = 0; i < shape.flows; ++i) open();
    ASSERT_LE(worst_rate_gap(twins, flows), 1e-12) << "seed " << seed;
    for (int c = 0; c < changes; ++c) {
        if (rng.below(2) == 0 && flows.size() > 1) {
            const auto at = rng.below(flows.size());
            twins.tree.close(flows[at].first);
            twins.general.close(flows[at].second);
            flows.erase(flows.begin() + static_cast<std::ptrdiff_t>(at));
        } else {
            open();
        }
        ASSERT_LE(worst_rate_gap(twins, flows), 1e-12) << "seed " << seed << " change " << c;
    }
}

// Until all are through: in each, every finish at the same moment, of the same flow. The tree's
// links are never fuller than they are wide.
void expect_equal_runs(const Shape& shape, std::uint64_t seed) {
    Rng rng(seed);
    const double scale = 1e9;
    Twins twins(shape, rng, scale);
    std::vector<double> tree_done(shape.flows), general_done(shape.flows);
    std::vector<std::uint32_t> tree_index(shape.flows), general_index(shape.flows);
    double bits_asked = 0;
    for (std::uint32_t i = 0; i < shape.flows; ++i) {
        const auto site = rng.below(shape.sites);
        const auto cap = cap_of(shape, rng, scale);
        const auto bits = 1e8 * (0.1 + rng.uniform());
        bits_asked += 2 * bits;
        tree_index[twins.tree.open(twins.tree_paths[site], cap, bits).value] = i;
        general_index[twins.general.open(twins.general_paths[site], cap, bits).value] = i;
        tree_done[i] = general_done[i] = -bits;  // negative: a second helping is due
    }
    const auto finish = [](FluidNetwork& network, std::vector<double>& done,
                           const std::vector<std::uint32_t>& index) {
        while (network.next_finish() < kUnlimited) {
            const auto flow = network.pop();
            auto& at = done[index[flow.value]];
            if (at < 0) {
                network.refill(flow, -at);
                at = 0;
            } else {
                network.close(flow);
                at = network.now();
            }
        }
    };
    finish(twins.tree, tree_done, tree_index);
    finish(twins.general, general_done, general_index);
    for (std::uint32_t i = 0; i < shape.flows; ++i)
        ASSERT_LE(relative(tree_done[i], general_done[i]), 1e-9)
            << "seed " << seed << " flow " << i;
    EXPECT_NEAR(twins.tree.usage().bits / bits_asked, 1, 1e-9);
}

TEST(TreeNetwork, GivesTheRatesOfProgressiveFilling) {
    int instances = 0;
    for (std::uint64_t seed = 1; seed <= 4200; ++seed, ++instances) {
        Rng rng(seed * 7919);
        const Shape shape{static_cast<std::uint32_t>(1 + rng.below(40)),
                          static_cast<std::uint32_t>(1 + rng.below(12)),
                          static_cast<std::uint32_t>(rng.below(4)),
                          static_cast<std::uint32_t>(rng.below(6))};
        expect_equal_rates(shape, seed, 12);
        if (HasFatalFailure()) return;
    }
    EXPECT_GE(instances, 4000);
}

// Where a bitmap of one machine word would end, and well beyond: as many classes as flows.
TEST(TreeNetwork, GivesThemAtSizesWhereBookkeepingBreaks) {
    for (const std::uint32_t flows : {1u, 2u, 63u, 64u, 65u, 127u, 128u, 4096u})
        for (const std::uint32_t aggregations : {0u, 5u}) {
            expect_equal_rates({flows, flows, aggregations, 0}, flows + aggregations,
                               flows > 1000 ? 3 : 200);
            if (HasFatalFailure()) return;
        }
}

TEST(TreeNetwork, FinishesEveryFlowWhenProgressiveFillingDoes) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        Rng rng(seed * 104729);
        const Shape shape{static_cast<std::uint32_t>(1 + rng.below(60)),
                          static_cast<std::uint32_t>(1 + rng.below(20)),
                          static_cast<std::uint32_t>(rng.below(4)),
                          static_cast<std::uint32_t>(rng.below(6))};
        expect_equal_runs(shape, seed);
        if (HasFatalFailure()) return;
    }
}

}  // namespace
}  // namespace sluice::sim::network
