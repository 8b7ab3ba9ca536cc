#pragma once
// Max-min shares of any links among any flows, by the definition: all flows rise together; those
// that cross the first exhausted link, or reach their own cap, stop there; the others rise on.
// GeneralNetwork hands it one connected component at a time.

#include <array>
#include <span>
#include <vector>

#include "sim/network/fluid_network.hpp"

namespace sluice::sim::network {

// Origin, aggregation, access, port, port of the other end, and the air: no way is longer.
struct Route {
    std::array<LinkId, 6> links{};
    std::uint8_t count = 0;

    void add(LinkId link) { links[count++] = link; }
    std::span<const LinkId> all() const { return {links.data(), count}; }
};

struct Demand {
    Route route;
    double cap = kUnlimited;
    double rate = 0;                // the answer
    std::optional<LinkId> binding;  // and the link that stopped it; nothing: its own cap
};

// Keeps its scratch space: no allocation once it has seen the largest component.
class ProgressiveFilling {
public:
    // `capacity` is by LinkId; links that no demand crosses are not looked at.
    void solve(std::span<const double> capacity, std::span<Demand> demands);

private:
    struct Load {
        double left = 0;           // capacity not yet given to stopped flows
        std::uint32_t rising = 0;  // flows across it that still rise
        bool is_listed = false;
    };
    double next_level(std::span<const Demand> demands) const;
    bool stops_at(Demand& demand, double level) const;

    std::vector<Load> loads_;
    std::vector<LinkId> used_;
    std::vector<std::uint32_t> rising_;
};

}  // namespace sluice::sim::network
