#pragma once
// The lab's scenarios in virtual time: the same sites, the planner's own source orders, the same
// faults at the same points of progress. What tests/lab measures on real sockets is measured here
// on the flow network, by the same names.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/world/outcome.hpp"
#include "sim/world/world.hpp"

namespace sluice::sim::world {

enum class LabFault : std::uint8_t {
    none,
    master_killed,   // half-way, its connections reset
    master_silent,   // half-way, its cable pulled
    origin_gone,     // half-way, for 30 s
    master_lies,     // serves wrong bytes from the middle of the image on
    neighbour_lies,  // the slave with the most children does
    slave_killed,    // 50 times at random points of its progress, started again each time
};

struct LabScenario {
    std::string name;
    std::string title;
    int hosts = 10;
    std::uint64_t image_bytes = 32u << 20;
    double uplink_bps = 100e6;
    double port_bps = 1e9;
    std::uint32_t piece_bytes = 0;  // 0: as the packer chooses
    LabFault fault = LabFault::none;
    double limit_s = 60;
};
const std::vector<LabScenario>& lab_scenarios();
const LabScenario& lab_scenario(const std::string& name);

struct LabResult {
    std::string name;
    Ending ending{};
    bool did_all_finish = false;  // all but the excused
    double last_device_s = 0;
    double bound_s = 0;                    // F/u_origin
    double origin_images = 0;              // payload that left the origin
    double most_received_images = 0;       // by the device that received most
    std::optional<double> new_source_s;    // the longest, from the loss
    std::optional<double> after_return_s;  // last device, from the origin's return
    std::uint32_t devices_that_banned = 0;
    std::uint32_t wrong_bans = 0;  // of somebody who never lied
    std::uint32_t kills = 0;
    double received_again_per_kill = 0;             // pieces
    std::vector<HostOutcome> hosts;                 // bytes by source, bans, leaves
    std::vector<std::vector<std::string>> sources;  // of each host, by URL
    std::uint64_t events = 0;
    std::uint64_t trace_hash = 0;
};

// The site as the lab describes it to the planner, and with the planner's Assignments: the same
// reports, so the same elections and the same sources. Host 0 is the master.
SiteSpec lab_site(const LabScenario& scenario);
LabResult run_lab(const LabScenario& scenario, std::ostream* trace = nullptr);

}  // namespace sluice::sim::world
