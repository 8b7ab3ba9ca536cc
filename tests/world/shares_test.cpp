// FlowNetwork's shares, tree and site links together, against progressive filling of everything
// from scratch; and what they cost.
#include <gmock/gmock.h>

#include "engine/base/rng.hpp"
#include "sim/world/flow_network.hpp"

namespace sluice::sim::world {
namespace {

constexpr double kNoCap = 1e15;

Path over(std::initializer_list<LinkIndex> links) {
    Path path;
    for (const auto link : links) path.add(link);
    return path;
}

double seconds(Duration d) {
    return static_cast<double>(d.count()) / 1e9;
}

// Sites with ports, some with one air, behind lines, behind an origin, some by an aggregation.
class RandomFleet {
public:
    explicit RandomFleet(std::uint64_t seed, bool is_of_one_line_only = true)
        : rng_(seed), keeps_lines_(is_of_one_line_only) {
        origin_ = network.add_origin(draw());
        std::vector<LinkIndex> above{origin_};
        for (auto n = rng_.below(3); n > 0; --n) above.push_back(network.add_aggregation(draw()));
        for (auto n = 1 + rng_.below(6); n > 0; --n) add_site(above[rng_.below(above.size())]);
    }

    void step(Instant now) {
        switch (rng_.below(8)) {
            case 0:
                return close(now);
            case 1:
                return change_capacity(now);
            case 2:
                return pause(now);
            case 3:
            case 4:
                return open(now);
            default:
                return take_mark(now);
        }
    }
    Instant next(Instant now) {
        const auto mark = network.next_mark(now);
        if (mark == Instant::never() || rng_.below(2) == 0) {
            return std::min(mark, now + Duration(rng_.below(200'000'000)));
        }
        return mark;
    }

    // Greatest relative difference to the shares by the definition, of all that want one.
    double worst_difference() {
        std::vector<double> capacity;
        for (std::uint32_t l = 0; l < links_; ++l)
            capacity.push_back(network.capacity(LinkIndex{l}));
        std::vector<network::Demand> demands;
        std::vector<FlowId> ids;
        for (const auto& flow : flows_) {
            if (flow.is_paused || flow.segments == 0) continue;
            demands.push_back({flow.path, flow.cap, 0, {}});
            ids.push_back(flow.id);
        }
        network::ProgressiveFilling().solve(capacity, demands);
        double worst = 0;
        for (std::size_t i = 0; i < ids.size(); ++i)
            worst = std::max(worst, std::abs(network.rate(ids[i]) / demands[i].rate - 1));
        shares_ += ids.size();
        return worst;
    }
    // Bytes a second that all flows get together.
    double throughput() const {
        double total = 0;
        for (const auto& flow : flows_)
            if (!flow.is_paused && flow.segments > 0) total += network.rate(flow.id);
        return total;
    }
    std::uint64_t shares() const { return shares_; }

    FlowNetwork network;

private:
    struct Device {
        LinkIndex up, down;
        std::optional<LinkIndex> air;
        std::size_t site;
    };
    struct Site {
        LinkIndex line, above;
    };
    struct Open {
        FlowId id;
        Path path;
        double cap;
        std::uint32_t segments = 0;
        bool is_paused = false;
    };

    // Few values, so that many are equal; a thousand times apart.
    double draw() {
        static constexpr double kRates[] = {1e3, 5e3, 2e4, 1e5, 1e6};
        return kRates[rng_.below(5)] * (rng_.below(2) == 0 ? 1 : 1 + rng_.uniform());
    }
    LinkIndex note(LinkIndex link) {
        links_ = std::max(links_, link.value + 1);
        return link;
    }
    void add_site(LinkIndex above) {
        sites_.push_back({note(network.add_line(draw(), above)), above});
        std::optional<LinkIndex> air;
        if (rng_.below(3) == 0) air = note(network.add_link(draw()));
        for (auto n = 1 + rng_.below(5); n > 0; --n) {
            const auto up = network.add_link(draw());
            devices_.push_back({up, note(network.add_link(draw())),
                                rng_.below(4) > 0 ? air : std::nullopt, sites_.size() - 1});
        }
    }
    Path path_to(const Device& to) {
        const auto& from = devices_[rng_.below(devices_.size())];
        const bool is_near = from.site == to.site || !keeps_lines_;
        Path path;
        if (rng_.below(2) == 0 && &from != &to && is_near) {
            path.add(from.up);
            if (from.air) path.add(*from.air);
        } else {
            const auto& site = sites_[to.site];
            path.add(origin_);
            path.add(site.line);
            if (site.above != origin_) path.add(site.above);
        }
        path.add(to.down);
        if (to.air) path.add(*to.air);
        return path;
    }
    void open(Instant now) {
        const auto path = path_to(devices_[rng_.below(devices_.size())]);
        const auto cap = rng_.below(3) == 0 ? draw() : kNoCap;
        flows_.push_back({network.open(path, cap), path, cap, 0, false});
        push(flows_.back(), now);
        if (rng_.below(2) == 0) push(flows_.back(), now);
    }
    void push(Open& flow, Instant now) {
        network.push(flow.id, static_cast<std::uint32_t>(1 + rng_.below(20'000)), now);
        ++flow.segments;
    }
    void close(Instant now) {
        if (flows_.empty()) return;
        const auto at = flows_.begin() + static_cast<std::ptrdiff_t>(rng_.below(flows_.size()));
        network.close(at->id, now);
        flows_.erase(at);
    }
    void pause(Instant now) {
        if (flows_.empty()) return;
        auto& flow = flows_[rng_.below(flows_.size())];
        flow.is_paused = !flow.is_paused;
        network.set_paused(flow.id, flow.is_paused, now);
    }
    void change_capacity(Instant now) {
        const LinkIndex link{static_cast<std::uint32_t>(rng_.below(links_))};
        network.set_capacity(link, draw(), now);
    }
    void take_mark(Instant now) {
        if (network.next_mark(now) > now) return;
        const auto id = network.pop_mark(now);
        auto& flow = *std::ranges::find(flows_, id, &Open::id);
        --flow.segments;
        if (rng_.below(2) == 0) push(flow, now);
    }

    Rng rng_;
    bool keeps_lines_;
    LinkIndex origin_;
    std::uint32_t links_ = 0;
    std::vector<Site> sites_;
    std::vector<Device> devices_;
    std::vector<Open> flows_;
    std::uint64_t shares_ = 0;
};

TEST(FlowShares, AreThoseOfProgressiveFillingAtEveryEvent) {
    std::uint64_t shares = 0;
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        RandomFleet fleet(seed);
        Instant now{};
        for (int i = 0; i < 150; ++i) {
            fleet.step(now);
            const auto next = fleet.next(now);
            ASSERT_LE(fleet.worst_difference(), 1e-12) << "seed " << seed << ", step " << i;
            now = next;
        }
        shares += fleet.shares();
    }
    EXPECT_GT(shares, 100'000u);
}

// What moves between two events is what the rates say, to the nanosecond's rounding.
TEST(FlowShares, MoveAsManyBytesAsTheyPromise) {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        RandomFleet fleet(seed);
        Instant now{};
        double promised = 0;
        for (int i = 0; i < 150; ++i) {
            fleet.step(now);
            const auto next = fleet.next(now);
            promised += fleet.throughput() * seconds(next - now);
            now = next;
        }
        EXPECT_NEAR(fleet.network.moved(now) / promised, 1, 1e-6) << "seed " << seed;
    }
}

// Peers of two sites that send each other something join their lines.
TEST(FlowShares, AreExactWhereNeighboursAreOnDifferentLines) {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        RandomFleet fleet(seed, false);
        Instant now{};
        for (int i = 0; i < 150; ++i) {
            fleet.step(now);
            const auto next = fleet.next(now);
            ASSERT_LE(fleet.worst_difference(), 1e-12) << "seed " << seed << ", step " << i;
            now = next;
        }
    }
}

TEST(FlowShares, AreExactForWhatCrossesTheOriginAndNoLine) {
    FlowNetwork network;
    const auto origin = network.add_origin(900);
    const auto line = network.add_line(200, origin);
    const auto port = network.add_link(1000);
    const auto a = network.open(over({origin, line, port}), kNoCap);
    const auto b = network.open(over({origin}), kNoCap);
    network.push(a, 1000, {});
    network.push(b, 1000, {});
    (void)network.next_mark({});
    EXPECT_DOUBLE_EQ(network.rate(a), 200);
    EXPECT_DOUBLE_EQ(network.rate(b), 700);
}

// A port that its device's own traffic leaves 70 of 100 for takes what the origin's share frees.
TEST(FlowShares, OfASiteFollowTheOriginsLevel) {
    FlowNetwork network;
    const auto origin = network.add_origin(60);
    const auto line = network.add_line(1000, origin);
    const auto port = network.add_link(100), elsewhere = network.add_link(1000);
    const auto peer = network.add_link(1000);
    const auto from_origin = network.open(over({origin, line, port}), kNoCap);
    const auto from_peer = network.open(over({peer, port}), kNoCap);
    const auto other = network.open(over({origin, line, elsewhere}), kNoCap);
    for (const auto flow : {from_origin, from_peer, other}) network.push(flow, 100'000, {});
    (void)network.next_mark({});
    EXPECT_DOUBLE_EQ(network.rate(from_peer), 70);
    network.close(other, Instant{1s});
    (void)network.next_mark(Instant{1s});
    EXPECT_DOUBLE_EQ(network.rate(from_peer), 50);
    EXPECT_DOUBLE_EQ(network.rate(from_origin), 50);
}

// Everybody is held back by the origin, and each end gives all others more: that may not be paid
// for by looking at all of them.
TEST(FlowShares, CostTheSameAnEventHoweverManyShareTheOrigin) {
    const auto work_of_a_mark = [](std::uint32_t flows) {
        FlowNetwork network;
        const auto origin = network.add_origin(1e6);
        for (std::uint32_t i = 0; i < flows; ++i) {
            const auto line = network.add_line(1e5, origin);
            const auto flow = network.open(over({origin, line, network.add_link(1e6 + i)}), kNoCap);
            network.push(flow, 1'000 + 7 * i, {});
        }
        const auto at_start = (network.next_mark({}), network.work());
        for (auto at = network.next_mark({}); at != Instant::never(); at = network.next_mark(at))
            (void)network.pop_mark(at);
        return static_cast<double>(network.work() - at_start) / flows;
    };
    EXPECT_LE(work_of_a_mark(100), 3);
    EXPECT_LE(work_of_a_mark(1'000), 3);
}

}  // namespace
}  // namespace sluice::sim::world
