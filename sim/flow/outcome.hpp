#pragma once
// What one run came to. Per device columns, the origin's load over time, and how the answer was
// found: which solver, what bound.

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "sim/flow/series.hpp"
#include "sim/network/fluid_network.hpp"
#include "sim/scenario/scenario.hpp"

namespace sluice::sim::flow {

inline constexpr double kNotDone = std::numeric_limits<double>::infinity();

struct Outcome {
    scenario::Strategy strategy = scenario::Strategy::planned;
    // By device.
    std::vector<double> starts_at;  // when it has its order
    std::vector<double> done_at;    // its last piece verified; kNotDone
    std::vector<double> active_at;  // the new image runs; kNotDone

    double origin_bits = 0;    // payload
    double peak_wire_bps = 0;  // the most at any moment, headers included
    Series origin_payload;     // bit/s
    double image_bits = 0;
    std::uint32_t sites = 0;

    bool is_joined = false;  // LAN and WAN were one network for the generic solver
    network::Usage usage;
    std::array<std::uint64_t, 4> topologies{};  // groups, by planning::Topology; of the planned
    std::uint64_t groups_in_step = 0;           // quiet groups, by the way their LAN was solved
    std::uint64_t groups_apart = 0;
    std::uint64_t groups_by_events = 0;
    std::uint64_t groups_eventful = 0;  // failures or shared air: generic solver
    std::uint64_t lan_solves = 0;
    std::uint64_t events = 0;
    std::uint64_t lost_sources = 0;      // times a device left a peer
    std::uint64_t origin_fallbacks = 0;  // times a planned slave went to the origin
    double wasted_bits = 0;              // arrived and proven wrong, or cut off
    std::uint64_t turned_away = 0;       // times a device found its peer's processor too busy
    std::size_t column_bytes = 0;        // of network and transfer
    double seconds = 0;                  // the run took

    std::uint32_t unfinished() const;
    double last_done() const;  // of those that finished
    std::vector<double> sorted_done() const;
    double images_from_origin() const { return origin_bits / image_bits; }
};

// No strategy can be faster for the last device: the fluid lower bound over everybody.
struct Bound {
    double seconds = 0;
    double origin_images = 0;  // a copy a group that shares, and one for each that cannot
};

}  // namespace sluice::sim::flow
