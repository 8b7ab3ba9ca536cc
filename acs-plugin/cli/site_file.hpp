#pragma once
// The site file of `sluice plan`:
//
//   {"version": 1, "origin_bps": 100000000, "access_bps": 100000000, "departures_per_hour": 0,
//    "devices": [{"name": "d0", "url": "http://10.0.0.2:7547", "manufacturer": "ACME", "oui":
//    "00D09E",
//      "product_class": "GW3", "hardware_version": "A", "software_version": "1.0",
//      "lan_up_bps": 1000000000, "lan_down_bps": 1000000000, "cpu_percent": 10, "cache_bytes":
//      268435456, "is_enabled": true, "is_agent": true, "is_gateway": false, "can_swarm": false,
//      "memory_bytes": 134217728, "departures_per_hour": 0}]}
//
// Only the name is needed, and the url of a device that may serve. Unknown keys are refused. How
// often a device vanishes or falls silent is said of it, or of all devices that do not say.

#include <string>
#include <string_view>
#include <vector>

#include "engine/inventory/device_report.hpp"
#include "engine/planning/site_plan.hpp"

namespace sluice::cli {

struct SiteDevice {
    std::string name;  // of its Assignment's file: [A-Za-z0-9_-]
    inventory::DeviceReport report;
    std::uint64_t memory_bytes = 0;  // 0: not said; and so are departures
    double departures_per_hour = 0;
};

struct SiteFile {
    planning::SiteLinks links;
    std::vector<SiteDevice> devices;
};

Result<SiteFile> parse_site_file(std::string_view json);

}  // namespace sluice::cli
