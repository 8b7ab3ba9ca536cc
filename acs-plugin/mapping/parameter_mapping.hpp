#pragma once
// Which parameters of a CPE say what of a report: configuration, because every vendor has names of
// its own. What is not configured stands as built in.
//
//     {"fields": {"cache_bytes": ["X_ACME_Flash.Free*1024"], …},
//      "ask": ["agent", "config_version", "gateway_serial"],
//      "agent_object": "X_SLUICE_PeerDownload.",
//      "stage_file_type": "X 00D09E Sluice Stage",
//      "convert_file_type": "X 00D09E Sluice Convert",
//      "converted_file_type": "X 00D09E Sluice Converted",
//      "second_envelope_models": ["00D09E-SpeedTouch"]}
//
// A path begins with its root ("Device.", "InternetGatewayDevice.") where it is that root's alone;
// without one it is looked for under either. "{i}" is any instance. "*1024" multiplies a number.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"

namespace sluice::mapping {

enum class Field : std::uint8_t {
    manufacturer,  // where DeviceId has none
    hardware_version,
    software_version,
    config_version,  // R1.4
    time_zone,       // a POSIX TZ text, for maintenance windows
    connection_url,
    connection_username,
    site,
    cpu_percent,
    cache_bytes,
    uplink_bps,
    downlink_bps,
    enable,
    file_server_enable,
    file_server_url,
    protocols,
    is_gateway,
    state,
    is_healthy,
    peer_bytes,
    origin_bytes,
    fetch_ms,
    // GatewayInfo of a device behind a gateway; and how many devices a gateway knows behind it.
    gateway_oui,
    gateway_class,
    gateway_serial,
    managed_devices,
};
inline constexpr std::size_t kFieldCount = static_cast<std::size_t>(Field::managed_devices) + 1;
std::string_view name_of(Field field);

struct Source {
    std::string path;  // as configured, without the factor
    std::uint64_t factor = 1;
    friend bool operator==(const Source&, const Source&) = default;
};

struct ParameterMapping {
    // Of each field, the first that a device has.
    std::array<std::vector<Source>, kFieldCount> sources;
    // What a device is asked for (GetParameterValues) where its Inform lacks it, when it is new, at
    // a boot, and after a change of its firmware.
    std::vector<Field> asked;
    bool asks_for_agent = true;  // the whole agent_object
    // Whoever has a parameter in here runs our agent, or one like it.
    std::string agent_object = "X_SLUICE_PeerDownload.";
    // Set beside a Download, under agent_object (DESIGN §5, R2.6).
    std::string assignment_url = "AssignmentURL", master_url = "MasterURL";
    std::string stage_file_type = "X 00D09E Sluice Stage";
    // A configuration that the device is to convert, and what it made of it (R3.5).
    std::string convert_file_type = "X 00D09E Sluice Convert";
    std::string converted_file_type = "X 00D09E Sluice Converted";
    // "OUI-ProductClass" (or the OUI alone) of models that take a second envelope (R1.1).
    std::vector<std::string> second_envelope_models;

    const std::vector<Source>& of(Field field) const {
        return sources[static_cast<std::size_t>(field)];
    }
};

ParameterMapping built_in_mapping();
// JSON over the built-in one; unknown keys are refused with the nearest known.
Result<ParameterMapping> parse_mapping(std::string_view json);

}  // namespace sluice::mapping
