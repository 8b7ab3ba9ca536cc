#include "sim/network/progressive_filling.hpp"

#include <gmock/gmock.h>

#include "engine/base/rng.hpp"

namespace sluice::sim::network {
namespace {

Demand over(std::initializer_list<std::uint32_t> links, double cap = kUnlimited) {
    Demand demand;
    for (const auto link : links) demand.route.add(LinkId{link});
    demand.cap = cap;
    return demand;
}

std::vector<double> shares(const std::vector<double>& capacity, std::vector<Demand> demands) {
    ProgressiveFilling solver;
    solver.solve(capacity, demands);
    std::vector<double> rates;
    rates.reserve(demands.size());
    for (const auto& demand : demands) rates.push_back(demand.rate);
    return rates;
}

TEST(ProgressiveFilling, SharesOneLinkEqually) {
    EXPECT_EQ(shares({12}, {over({0}), over({0}), over({0})}), (std::vector<double>{4, 4, 4}));
}

// One flow can take 2 only; the water rises for the other: 10 - 2.
TEST(ProgressiveFilling, LeavesToOthersWhatACappedFlowCannotUse) {
    EXPECT_EQ(shares({10}, {over({0}, 2), over({0}, 20)}), (std::vector<double>{2, 8}));
}

// The classic parking lot: the long flow gets its share of the narrow link, the short one of the
// wide link takes the rest. Links 10 and 4: long 2, narrow 2, wide 8.
TEST(ProgressiveFilling, LimitsAFlowByItsNarrowestLinkAndRaisesItsNeighbours) {
    EXPECT_EQ(shares({10, 4}, {over({0, 1}), over({1}), over({0})}),
              (std::vector<double>{2, 2, 8}));
}

TEST(ProgressiveFilling, GivesNothingOverALinkThatIsDown) {
    EXPECT_EQ(shares({10, 0}, {over({0, 1}), over({0})}), (std::vector<double>{0, 10}));
}

// What defines max-min: no link is over its capacity, and each flow has its cap or a link that is
// full and on which nobody gets more.
TEST(ProgressiveFilling, OfRandomNetworksIsFeasibleAndEachFlowHasABottleneck) {
    Rng rng(20260101);
    for (int round = 0; round < 300; ++round) {
        std::vector<double> capacity;
        for (std::uint64_t i = 0, n = 1 + rng.below(12); i < n; ++i) {
            capacity.push_back(1 + static_cast<double>(rng.below(1000)));
        }
        std::vector<Demand> demands;
        for (std::uint64_t i = 0, n = 1 + rng.below(40); i < n; ++i) {
            Demand demand;
            const auto first = rng.below(capacity.size());
            demand.route.add(LinkId{static_cast<std::uint32_t>(first)});
            const auto second = rng.below(capacity.size());
            if (second != first) demand.route.add(LinkId{static_cast<std::uint32_t>(second)});
            if (rng.below(3) == 0) demand.cap = 1 + static_cast<double>(rng.below(200));
            demands.push_back(demand);
        }
        ProgressiveFilling solver;
        solver.solve(capacity, demands);

        std::vector<double> sum(capacity.size()), most(capacity.size());
        for (const auto& demand : demands) {
            for (const auto link : demand.route.all()) {
                sum[link.value] += demand.rate;
                most[link.value] = std::max(most[link.value], demand.rate);
            }
        }
        for (std::size_t i = 0; i < capacity.size(); ++i) {
            EXPECT_LE(sum[i], capacity[i] * (1 + 1e-9));
        }
        for (const auto& demand : demands) {
            bool is_stopped = demand.rate >= demand.cap * (1 - 1e-9);
            for (const auto link : demand.route.all()) {
                is_stopped |= sum[link.value] >= capacity[link.value] * (1 - 1e-9) &&
                              demand.rate >= most[link.value] * (1 - 1e-9);
            }
            EXPECT_TRUE(is_stopped) << "round " << round;
        }
    }
}

}  // namespace
}  // namespace sluice::sim::network
