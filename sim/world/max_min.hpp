#pragma once
// Max-min fair shares of links among flows, by progressive filling: all flows rise together, those
// that cross the first exhausted link (or reach their own cap) stop there, the others rise on. The
// generic solver of the simulator; FlowNetwork hands it one connected component at a time.

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "engine/base/strong.hpp"

namespace sluice::sim::world {

using LinkIndex = Strong<struct LinkIndexTag, std::uint32_t>;

// The links one flow crosses. Four suffice for origin uplink, site access, port and one to spare.
struct Path {
    std::array<LinkIndex, 4> links{};
    std::uint8_t count = 0;

    void add(LinkIndex link) { links[count++] = link; }
    std::span<const LinkIndex> all() const { return {links.data(), count}; }
};

struct Demand {
    Path path;
    double cap = std::numeric_limits<double>::infinity();  // the flow's own limit, bytes/s
    double rate = 0;                                       // the answer, bytes/s
};

// Keeps its scratch space: no allocation once it has seen the largest component.
class MaxMinSolver {
public:
    // `capacity` is by LinkIndex, in bytes/s; links that no demand crosses are not looked at.
    void solve(std::span<const double> capacity, std::span<Demand> demands);

private:
    struct Load {
        double left = 0;           // capacity not yet given to stopped flows
        std::uint32_t rising = 0;  // flows across it that still rise
        bool is_listed = false;
    };
    double next_level(std::span<const Demand> demands) const;
    bool stops_at(const Demand& demand, double level) const;

    std::vector<Load> loads_;
    std::vector<LinkIndex> used_;
    std::vector<std::uint32_t> rising_;
};

}  // namespace sluice::sim::world
