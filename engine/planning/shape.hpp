#pragma once
// The shape of sharing inside one site: who takes from whom. Star, tree and chain are one family,
// a tree of fan-out 1 to N-1; the planner predicts when the last device is done for each and takes
// the best. Only the order of sources comes out of it; no device ever hears the word tree.
//
// The prediction. A device passes a piece on once it is verified, so every hop delays by one piece
// at the speed of that hop, and the stream is as fast as the slowest link on its way:
//   done(i) = F/rate(i) + sum over the hops to i of (piece/rate of the hop + kHopTime)
//   rate(i) = min(rate(parent), uplink(parent)/children(parent), downlink(i))
// A chain of D equal links gives (K+D-1)/K · F/u, a star of N-1 slow ports (N-1)·F/up. All link
// rates are wire rates; bytes on the wire are the payload's times kWireOverhead.
// Where devices come and go, each of those on the way is expected to vanish departures · done
// times, and whoever hangs on it stands still for kDepartureSeconds; a link with room makes up for
// it:
//   + sum over the hops to i of (departures(parent) · F/rate(i) · kDepartureSeconds · rate/hop)

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/time.hpp"
#include "engine/planning/topology.hpp"

namespace sluice::planning {

// Ethernet, IP, TCP and HTTP headers around full segments.
inline constexpr double kWireOverhead = 1.046;
// Verification, a write and a turn of the event loop, before a piece is passed on.
inline constexpr double kHopSeconds = 0.002;
// From a parent's silence to the first piece of another one.
inline constexpr double kDepartureSeconds = 2;

// The port of a device towards its LAN, in bits a second.
struct LanPort {
    std::uint64_t up_bps = 0;
    std::uint64_t down_bps = 0;
    // How often the device behind it was seen to vanish or to fall silent.
    double departures_per_hour = 0;
};

// What the choice is made of. Members are in rank order: whoever may pass on stands before whoever
// may not, and number 0 takes from the origin.
struct ShapeInput {
    std::uint64_t length = 0;  // bytes of the image
    std::uint32_t piece_length = 0;
    std::uint64_t inflow_bps = 0;  // origin and access line, the smaller
    std::vector<LanPort> ports;
    std::uint32_t relays = 0;  // the first so many may pass on
};

struct ShapeRules {
    std::optional<Topology> only;  // star, chain or tree: no other, where the site has such a shape
    std::uint32_t max_fan_out = 32;
    double head_room = 0.30;   // of a port's uplink that is better left free
    double near_equal = 0.02;  // predictions closer than this are one
};

inline constexpr std::uint32_t kFromOrigin = 0xffffffff;

struct Forecast {
    double seconds = 0;    // the last device
    double bound = 0;      // F/inflow with headers: no shape does better
    double head_room = 1;  // of the busiest uplink
    double mean_hops = 0;
    std::uint32_t hops = 0;  // of the deepest device
};

struct Shape {
    std::uint32_t fan_out = 0;           // the most children of one device
    std::vector<std::uint32_t> parents;  // by rank; kFromOrigin for rank 0
    Forecast forecast;
};

Forecast forecast(const ShapeInput& input, const std::vector<std::uint32_t>& parents);

struct ShapeChoice {
    Shape shape;
    // One line a candidate worth naming, the chosen one first.
    std::vector<std::string> reasons;
};

// `ports` is not empty; all rates are above 0.
ShapeChoice choose_shape(const ShapeInput& input, const ShapeRules& rules);

// "one device", "star", "chain", "tree of fan-out 4"
std::string name_of(const Shape& shape);
// Of one device: a star. Of two: a star, too.
Topology topology_of(const Shape& shape);

}  // namespace sluice::planning
