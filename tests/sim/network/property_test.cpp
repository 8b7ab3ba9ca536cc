// What must hold for any flows on any tree: nothing is carried beyond a link's capacity, more flows
// leave less for each, names do not matter.
#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>
#include <vector>

#include "engine/base/rng.hpp"
#include "sim/network/tree_network.hpp"

namespace sluice::sim::network {
namespace {

struct FlowSpec {
    std::uint32_t site;
    double cap, bits, starts_at;
};
struct Instance {
    double origin;
    std::vector<double> aggregations;
    std::vector<std::pair<double, std::uint32_t>> sites;  // capacity; parent, 0 = the origin
    std::vector<FlowSpec> flows;                          // by start
};

Instance random_instance(std::uint64_t seed) {
    Rng rng(seed);
    Instance out;
    out.origin = 1e9;
    out.aggregations.resize(rng.below(4));
    for (auto& bps : out.aggregations) bps = 1e9 * (0.1 + 0.6 * rng.uniform());
    out.sites.resize(1 + rng.below(15));
    for (auto& [bps, parent] : out.sites) {
        bps = 1e8 * (0.5 + 3 * rng.uniform());
        parent = static_cast<std::uint32_t>(rng.below(out.aggregations.size() + 1));
    }
    out.flows.resize(1 + rng.below(60));
    double at = 0;
    for (auto& flow : out.flows) {
        at += rng.below(3) == 0 ? 0 : 0.3 * rng.uniform();
        flow = {static_cast<std::uint32_t>(rng.below(out.sites.size())),
                5e7 * static_cast<double>(1 + rng.below(6)), 1e8 * (0.2 + rng.uniform()), at};
    }
    return out;
}

struct Built {
    TreeNetwork tree;
    std::vector<LinkId> aggregations{TreeNetwork::kOrigin}, sites;
    explicit Built(const Instance& in) : tree(in.origin) {
        for (const auto bps : in.aggregations) aggregations.push_back(tree.add_aggregation(bps));
        for (const auto& [bps, parent] : in.sites)
            sites.push_back(tree.add_site(bps, aggregations[parent]));
    }
};

// By flow, when it was through. `at_each_event` is asked at every arrival and finish, with the
// open flows by index.
template <class AtEachEvent>
std::vector<double> run(Built& built, const Instance& in, const AtEachEvent& at_each_event) {
    std::vector<double> done(in.flows.size(), -1);
    std::vector<std::pair<FlowId, std::uint32_t>> open;
    std::uint32_t next = 0;
    while (next < in.flows.size() || !open.empty()) {
        if (next < in.flows.size() && in.flows[next].starts_at <= built.tree.next_finish()) {
            const auto& flow = in.flows[next];
            built.tree.advance(flow.starts_at);
            open.emplace_back(built.tree.open(built.sites[flow.site], flow.cap, flow.bits), next++);
        } else {
            const auto id = built.tree.pop();
            const auto at = std::ranges::find(open, id, [](auto& f) { return f.first; });
            done[at->second] = built.tree.now();
            built.tree.close(id);
            open.erase(at);
        }
        at_each_event(open);
    }
    return done;
}

const auto kNothing = [](const auto&) {};

TEST(NetworkProperties, NoLinkCarriesMoreThanItsCapacityAndNoneIsIdleForNothing) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        const auto in = random_instance(seed);
        Built built(in);
        run(built, in, [&](const auto& open) {
            std::vector<double> site(in.sites.size()), aggregation(in.aggregations.size() + 1);
            for (const auto& [id, index] : open) {
                const auto rate = built.tree.rate(id);
                const auto at = in.flows[index].site;
                EXPECT_GT(rate, 0);
                EXPECT_LE(rate, in.flows[index].cap);
                site[at] += rate;
                aggregation[in.sites[at].second] += rate;
            }
            constexpr double kRounding = 1 + 1e-12;
            for (std::size_t s = 0; s < site.size(); ++s)
                EXPECT_LE(site[s], in.sites[s].first * kRounding);
            for (std::size_t a = 1; a < aggregation.size(); ++a)
                EXPECT_LE(aggregation[a], in.aggregations[a - 1] * kRounding);
            const auto total = std::accumulate(aggregation.begin(), aggregation.end(), 0.0);
            EXPECT_LE(total, in.origin * kRounding);
            EXPECT_NEAR(total, built.tree.throughput(), 1e-9 * in.origin);
            // Whoever is held back is held back by a full link.
            for (const auto& [id, index] : open) {
                const auto link = built.tree.binding(id);
                if (!link) {
                    EXPECT_EQ(built.tree.rate(id), in.flows[index].cap);
                    continue;
                }
                const auto at = in.flows[index].site;
                const auto parent = in.sites[at].second;
                const bool is_full =
                    *link == TreeNetwork::kOrigin ? total >= in.origin / kRounding
                    : *link == built.sites[at]
                        ? site[at] >= in.sites[at].first / kRounding
                        : aggregation[parent] >= in.aggregations[parent - 1] / kRounding;
                EXPECT_TRUE(is_full) << "seed " << seed;
            }
        });
        if (testing::Test::HasFailure()) return;
    }
}

TEST(NetworkProperties, AllBitsAskedForAreCarriedOnce) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        const auto in = random_instance(seed);
        Built built(in);
        run(built, in, kNothing);
        double asked = 0;
        for (const auto& flow : in.flows) asked += flow.bits;
        EXPECT_NEAR(built.tree.usage().bits / asked, 1, 1e-9) << "seed " << seed;
        EXPECT_EQ(built.tree.flow_count(), 0u);
    }
}

TEST(NetworkProperties, OneFlowMoreLeavesNobodyMore) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        const auto in = random_instance(seed);
        Built built(in);
        std::vector<FlowId> open;
        for (const auto& flow : in.flows) {
            std::vector<double> before;
            for (const auto id : open) before.push_back(built.tree.rate(id));
            const auto total = built.tree.throughput();
            open.push_back(built.tree.open(built.sites[flow.site], flow.cap, flow.bits));
            for (std::size_t i = 0; i < before.size(); ++i)
                EXPECT_LE(built.tree.rate(open[i]), before[i] * (1 + 1e-12)) << "seed " << seed;
            EXPECT_GE(built.tree.throughput(), total * (1 - 1e-12)) << "seed " << seed;
        }
    }
}

TEST(NetworkProperties, TwiceTheCapacityEverywhereTakesHalfTheTime) {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        auto in = random_instance(seed);
        Built slow(in);
        const auto before = run(slow, in, kNothing);
        in.origin *= 2;
        for (auto& bps : in.aggregations) bps *= 2;
        for (auto& site : in.sites) site.first *= 2;
        for (auto& flow : in.flows) flow.cap *= 2, flow.starts_at /= 2;
        Built fast(in);
        const auto after = run(fast, in, kNothing);
        for (std::size_t i = 0; i < before.size(); ++i)
            EXPECT_NEAR(before[i] / after[i], 2, 1e-9) << "seed " << seed;
    }
}

TEST(NetworkProperties, NamesOfSitesAndOrderOfEqualsDoNotMatter) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        const auto in = random_instance(seed);
        Built built(in);
        const auto done = run(built, in, kNothing);

        Rng rng(seed + 1000);
        std::vector<std::uint32_t> order(in.sites.size());
        std::iota(order.begin(), order.end(), 0u);
        for (auto i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
        auto renamed = in;
        for (std::size_t s = 0; s < order.size(); ++s) renamed.sites[order[s]] = in.sites[s];
        for (auto& flow : renamed.flows) flow.site = order[flow.site];
        std::reverse(renamed.flows.begin(), renamed.flows.end());
        std::stable_sort(renamed.flows.begin(), renamed.flows.end(),
                         [](auto& a, auto& b) { return a.starts_at < b.starts_at; });
        Built again(renamed);
        auto other = run(again, renamed, kNothing);
        auto sorted = done;
        std::sort(sorted.begin(), sorted.end());
        std::sort(other.begin(), other.end());
        for (std::size_t i = 0; i < done.size(); ++i)
            EXPECT_NEAR(other[i] / sorted[i], 1, 1e-9) << "seed " << seed;
    }
}

TEST(NetworkProperties, AnOriginThatBrownsOutStretchesWhatIsLeft) {
    TreeNetwork tree(100);
    const auto site = tree.add_site(kUnlimited);
    const auto flow = tree.open(site, kUnlimited, 1000);
    tree.advance(5);
    tree.set_capacity(TreeNetwork::kOrigin, 25);
    EXPECT_DOUBLE_EQ(tree.left(flow), 500);
    EXPECT_DOUBLE_EQ(tree.next_finish(), 25);
    tree.advance(9);
    tree.set_capacity(TreeNetwork::kOrigin, 100);
    EXPECT_DOUBLE_EQ(tree.next_finish(), 13);
}

}  // namespace
}  // namespace sluice::sim::network
