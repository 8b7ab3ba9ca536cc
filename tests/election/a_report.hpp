#pragma once
// A device that may be master, but for its CPU.

#include <string>

#include "engine/inventory/device_report.hpp"

namespace sluice::election {

inline inventory::DeviceReport a_report(const std::string& serial, double cpu,
                                        const std::string& site = "home") {
    inventory::DeviceReport r;
    r.oui = "00D09E";
    r.serial = serial;
    r.manufacturer = "ACME";
    r.site = {inventory::SiteSource::imported, site};
    r.cpu_percent = cpu;
    r.uplink_bps = 1'000'000'000;
    r.cache_bytes = std::uint64_t{256} << 20;
    r.kind = inventory::DeviceKind::agent;
    r.protocols = inventory::kPeerHttpV1;
    r.has_file_server = true;
    r.file_server = inventory::parse_endpoint("http://192.168.1.2:7547").value();
    return r;
}

}  // namespace sluice::election
