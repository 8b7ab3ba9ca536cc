#pragma once
// What one device said of itself, in our own words (R2.2). Shells make it out of an Inform, a
// parameter read, or a file; from here on nobody sees CWMP.

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/result.hpp"
#include "engine/inventory/address.hpp"

namespace sluice::inventory {

// Who says where a device is, the more trusted first (DESIGN §5).
enum class SiteSource : std::uint8_t { none, imported, parameter, gateway, address };

struct Site {
    SiteSource source = SiteSource::none;
    std::string value;
    friend bool operator==(const Site&, const Site&) = default;
};

// A plain CPE downloads with its own firmware's client and serves nobody.
enum class DeviceKind : std::uint8_t { plain, agent };

// Bits of DeviceReport::protocols.
inline constexpr std::uint16_t kPeerHttpV1 = 1;
inline constexpr std::uint16_t kSwarmV1 = 2;

struct DeviceReport {
    // Who it is: these three never change (TR-069 DeviceIdStruct).
    std::string oui;
    std::string product_class;
    std::string serial;

    std::string manufacturer;
    std::string hardware_version;
    std::string software_version;
    Site site;
    // Absent in a report that does not say: the last word stands.
    std::optional<double> cpu_percent;  // the device's own average
    std::optional<std::uint64_t> cache_bytes;
    std::optional<std::uint64_t> uplink_bps;
    std::optional<std::uint64_t> downlink_bps;
    bool has_file_server = false;
    Endpoint file_server;
    bool is_enabled = true;  // the subscriber's choice
    std::uint16_t protocols = 0;
    DeviceKind kind = DeviceKind::plain;
    bool is_gateway = false;
};

// One name a device for ever: "OUI-ProductClass-Serial", what is not [A-Za-z0-9_.] as %XX, so that
// no two devices share one. An empty product class leaves its part out, as GenieACS does.
std::string identity_of(const DeviceReport& report);

// Bounds of TR-069 and TR-181 on everything a report carries; the message names the field.
Result<void> check(const DeviceReport& report);

}  // namespace sluice::inventory
