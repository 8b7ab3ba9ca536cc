#pragma once
// The devices of a scenario and what they hang on, as columns; drawn from distributions, or read
// from a CSV. The same population goes to the production planner (as reports) and to the network.

#include <string>
#include <vector>

#include "engine/inventory/device_report.hpp"
#include "sim/scenario/scenario.hpp"

namespace sluice::sim::flow {

struct Population {
    // By site. Where each device has a line of its own, that is in its ports.
    std::vector<float> access_bps;
    std::vector<std::uint32_t> first_device;  // one more than sites: its devices lie together
    // By device. Ports as floats: 24 bits tell any real port from any other.
    std::vector<std::uint32_t> site;
    std::vector<float> up_bps, down_bps;
    std::vector<std::uint16_t> model;
    std::vector<std::uint16_t> cpu;  // 1/100 percent
    std::vector<std::uint8_t> flags;

    static constexpr std::uint8_t kPlain = 1;
    static constexpr std::uint8_t kDisabled = 2;
    static constexpr std::uint8_t kPoison = 4;
    static constexpr std::uint8_t kSwarm = 8;

    std::uint32_t size() const { return static_cast<std::uint32_t>(site.size()); }
    std::uint32_t sites() const { return static_cast<std::uint32_t>(access_bps.size()); }
    std::size_t bytes() const;
    // What the device says of itself. Serial and site name carry their numbers.
    inventory::DeviceReport report(std::uint32_t device) const;
    // Share of sites with two or more devices of one model: where sharing is possible at all.
    double sharing_sites() const;
};

Population draw_population(const scenario::Scenario& scenario, std::uint64_t seed);

// Columns: site, access_down, port_up, port_down, and optionally model, cpu, kind (agent, plain)
// and access_up. Errors name file, line and column.
Result<Population> read_population(const std::string& path, const scenario::Scenario& scenario,
                                   std::uint64_t seed);

}  // namespace sluice::sim::flow
