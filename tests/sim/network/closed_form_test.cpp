// What theory says about one link or a tree of them, as equations. F = 32 MiB = 268.435456 Mbit.
#include <cmath>
#include <gtest/gtest.h>
#include <vector>

#include "engine/base/rng.hpp"
#include "sim/network/general_network.hpp"
#include "sim/network/tree_network.hpp"

namespace sluice::sim::network {
namespace {

constexpr double kImage = 268.435456e6;
constexpr double kClose = 1e-6;

// Both solvers, one link that all flows cross.
struct OneLink {
    TreeNetwork tree;
    GeneralNetwork general;
    LinkId in_general;
    explicit OneLink(double bps) : tree(bps), in_general(general.add_link(bps)) {}
};

template <class Check>
void for_both(double bps, const Check& check) {
    OneLink links(bps);
    check(links.tree, [&] { return std::vector<LinkId>{links.tree.add_site(kUnlimited)}; });
    check(links.general, [&] { return std::vector<LinkId>{links.in_general}; });
}

double last_finish(FluidNetwork& network) {
    while (network.next_finish() < kUnlimited) network.close(network.pop());
    return network.now();
}

// N F / C: 1000 flows on 10 Gbit/s, 26.843546 s.
TEST(ClosedForms, EqualFlowsShareALink) {
    for_both(10e9, [](FluidNetwork& network, auto path) {
        for (int i = 0; i < 1000; ++i) network.open(path(), kUnlimited, kImage);
        EXPECT_NEAR(last_finish(network), 26.8435456, kClose);
    });
}

// F / min(c, C/N): 50 flows capped at 100 Mbit/s on 10 Gbit/s, 2.684355 s.
TEST(ClosedForms, CapsHoldWhereTheLinkDoesNot) {
    for_both(10e9, [](FluidNetwork& network, auto path) {
        for (int i = 0; i < 50; ++i) network.open(path(), 100e6, kImage);
        EXPECT_NEAR(last_finish(network), 2.68435456, kClose);
    });
    for_both(1e9, [](FluidNetwork& network, auto path) {
        for (int i = 0; i < 50; ++i) network.open(path(), 100e6, kImage);
        EXPECT_NEAR(last_finish(network), 50 * 0.268435456, kClose);
    });
}

// C = 1, sizes 1, at 0 and 0.5: alone until 0.5, then half each until 1.5, then alone until 2.
TEST(ClosedForms, TwoStaggeredFlowsShareWhileTheyOverlap) {
    for_both(1, [](FluidNetwork& network, auto path) {
        network.open(path(), kUnlimited, 1);
        network.advance(0.5);
        network.open(path(), kUnlimited, 1);
        network.close(network.pop());
        EXPECT_NEAR(network.now(), 1.5, kClose);
        EXPECT_NEAR(last_finish(network), 2.0, kClose);
    });
}

// C = 10, caps 2 and 20, size 10 each: 2 and 8; the other ends at 1.25 s, the capped one at 5.
TEST(ClosedForms, WhatACappedFlowLeavesGoesToTheOther) {
    for_both(10, [](FluidNetwork& network, auto path) {
        const auto capped = network.open(path(), 2, 10);
        const auto free = network.open(path(), 20, 10);
        EXPECT_DOUBLE_EQ(network.rate(capped), 2);
        EXPECT_DOUBLE_EQ(network.rate(free), 8);
        EXPECT_FALSE(network.binding(capped).has_value());
        EXPECT_TRUE(network.binding(free).has_value());
        network.close(network.pop());
        EXPECT_NEAR(network.now(), 1.25, kClose);
        EXPECT_NEAR(last_finish(network), 5.0, kClose);
    });
}

// Work-conserving: nobody is done before max(N F/C, last start + F/c), and the last one then.
TEST(ClosedForms, TheLastFinishIsTheWorkConservingMakespan) {
    for_both(1e9, [](FluidNetwork& network, auto path) {
        Rng rng(12);
        double start = 0;
        for (int i = 0; i < 200; ++i) {
            start += 0.2 * rng.uniform();
            while (network.next_finish() <= start) network.close(network.pop());
            network.advance(start);
            network.open(path(), 500e6, kImage);
        }
        const auto done = last_finish(network);
        const auto bound = std::max(200 * kImage / 1e9, start + kImage / 500e6);
        EXPECT_GE(done, bound - kClose);
        EXPECT_LE(done, bound * 1.02);  // the link was idle a little before the second came
    });
}

// --- queues: what random arrivals come to -------------------------------------------------------

struct Queue {
    double mean_time = 0;
    double mean_flows = 0;  // integrated over the run
    double arrival_rate = 0;
};

// Poisson arrivals, sizes by `size`; the first tenth is warm-up.
template <class Size>
Queue run_queue(double capacity, double cap, double arrivals_per_s, const Size& size,
                std::uint64_t seed, int arrivals) {
    TreeNetwork network(capacity);
    const auto site = network.add_site(kUnlimited);
    Rng rng(seed);
    std::vector<double> began;
    Queue out;
    double next = 0, area = 0, measured_from = 0;
    int begun = 0, ended = 0;
    const auto step_to = [&](double at) {
        area += network.flow_count() * (at - network.now());
        network.advance(at);
    };
    while (begun < arrivals || network.flow_count() > 0) {
        if (begun < arrivals && next <= network.next_finish()) {
            step_to(next);
            if (begun == arrivals / 10) area = 0, measured_from = network.now();
            const auto flow = network.open(site, cap, size(rng));
            if (began.size() <= flow.value) began.resize(flow.value + 1);
            began[flow.value] = begun >= arrivals / 10 ? next : -1;
            ++begun;
            next += -std::log1p(-rng.uniform()) / arrivals_per_s;
            if (begun == arrivals) {
                out.mean_flows = area / (network.now() - measured_from);
                out.arrival_rate = 0.9 * arrivals / (network.now() - measured_from);
            }
        } else {
            step_to(network.next_finish());
            const auto flow = network.pop();
            network.close(flow);
            if (began[flow.value] < 0) continue;
            out.mean_time += network.now() - began[flow.value];
            ++ended;
        }
    }
    out.mean_time /= ended;
    return out;
}

double exponential(Rng& rng) {
    return -std::log1p(-rng.uniform());
}
// Mean 1, much more variable: nine in ten are small.
double hyper_exponential(Rng& rng) {
    return rng.uniform() < 0.9 ? 0.5 * exponential(rng) : 5.5 * exponential(rng);
}

template <class Size>
void expect_mean_time(double capacity, double cap, double arrivals_per_s, const Size& size,
                      double expected) {
    constexpr int kRuns = 12;
    double sum = 0, squares = 0;
    for (int seed = 1; seed <= kRuns; ++seed) {
        const auto queue = run_queue(capacity, cap, arrivals_per_s, size, seed, 60'000);
        sum += queue.mean_time;
        squares += queue.mean_time * queue.mean_time;
        // Little: mean flows = arrival rate times mean time.
        EXPECT_NEAR(queue.mean_flows / (queue.arrival_rate * queue.mean_time), 1, 0.05);
    }
    const auto mean = sum / kRuns;
    const auto error = std::sqrt((squares / kRuns - mean * mean) / (kRuns - 1));
    EXPECT_NEAR(mean, expected, 4.437 * error);  // Student's t, 11 degrees, 99.9 %
    EXPECT_LT(error, 0.05 * expected) << "a band too wide to say anything";
}

// M/G/1-PS: E[S]/(1-rho) = 5 at rho 0.8, whatever the sizes' distribution.
TEST(ClosedForms, ProcessorSharingIsInsensitiveToTheSizes) {
    expect_mean_time(1, kUnlimited, 0.8, exponential, 5);
    expect_mean_time(1, kUnlimited, 0.8, hyper_exponential, 5);
    expect_mean_time(
        1, kUnlimited, 0.8, [](Rng&) { return 1.0; }, 5);
}

// Erlang's C by its recursion for B.
double erlang_c(int servers, double load) {
    double b = 1;
    for (int k = 1; k <= servers; ++k) b = load * b / (k + load * b);
    return b / (1 - load / servers * (1 - b));
}

// Link C, cap C/m: M/G/m-PS, mean time (F/c)(1 + ErlC(m, m rho)/(m (1-rho))); m = 100, rho = 0.9:
// 102.169 for F/c = 100.
TEST(ClosedForms, CapsMakeAnErlangQueueOfALink) {
    EXPECT_NEAR(erlang_c(100, 90), 0.2169, 5e-5);
    const auto expected = 100 * (1 + erlang_c(100, 90) / (100 * 0.1));
    EXPECT_NEAR(expected, 102.169, 5e-4);
    expect_mean_time(1, 0.01, 0.9, exponential, expected);
}

}  // namespace
}  // namespace sluice::sim::network
