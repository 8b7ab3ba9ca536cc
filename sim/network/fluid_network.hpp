#pragma once
// Flows that share links max-min fairly, in continuous time: whoever runs a simulation opens flows,
// asks when the next one is through, and moves time there. Two solvers stand behind this interface:
// TreeNetwork, fast, for links that form a tree with the origin at its root; GeneralNetwork, for
// any paths, one connected component at a time. Both are exact; a report says which one ran.
//
// Units: bits, bits a second, seconds. An infinite capacity is no limit; every flow needs a finite
// one somewhere on its way. Capacities and caps are above 0.

#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "engine/base/strong.hpp"

namespace sluice::sim::network {

using LinkId = Strong<struct LinkIdTag, std::uint32_t>;
using FlowId = Strong<struct FlowIdTag, std::uint32_t>;

inline constexpr double kUnlimited = std::numeric_limits<double>::infinity();

enum class Solver : std::uint8_t { tree, progressive_filling };

// Of flows from the origin: flow-seconds by what held them back, and bits through its link.
struct Usage {
    double bound_by_origin = 0;
    double bound_by_aggregation = 0;
    double bound_by_site = 0;
    double bound_by_device = 0;  // its cap, its port, its air
    double bits = 0;
};

class FluidNetwork {
public:
    FluidNetwork() = default;
    FluidNetwork(const FluidNetwork&) = delete;
    FluidNetwork& operator=(const FluidNetwork&) = delete;
    virtual ~FluidNetwork() = default;

    virtual Solver solver() const = 0;
    virtual double now() const = 0;

    // A flow along `path`, with `bits` to go and a limit of its own. Its id may be that of a flow
    // that was closed.
    virtual FlowId open(std::span<const LinkId> path, double cap_bps, double bits) = 0;
    // So many bits more for a flow that has just finished: the next piece on the same connection.
    virtual void refill(FlowId flow, double bits) = 0;
    virtual void close(FlowId flow) = 0;
    virtual void set_capacity(LinkId link, double bps) = 0;

    // When the next flow is through; never (infinity) when none is under way.
    virtual double next_finish() = 0;
    // Moves time there and names the flow, which is then refilled or closed before time moves on.
    virtual FlowId pop() = 0;
    // Moves time to a moment not beyond next_finish().
    virtual void advance(double to) = 0;

    virtual double rate(FlowId flow) = 0;
    virtual double left(FlowId flow) = 0;
    // The link that holds the flow back; nothing when it is the flow's own cap.
    virtual std::optional<LinkId> binding(FlowId flow) = 0;
};

}  // namespace sluice::sim::network
