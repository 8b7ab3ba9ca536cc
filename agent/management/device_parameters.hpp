#pragma once
// The device's parameters as one table: path, type, who may write, where the value comes from. What
// is done with a row is device_model's.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "agent/management/configurator.hpp"
#include "agent/management/device_state.hpp"
#include "agent/management/settings.hpp"

namespace sluice::agent::management {

// FirmwareImage.{i}: what a slot holds.
struct SlotFacts {
    std::string version;
    std::string failure;  // why it did not stand its trial
    bool is_whole = false;

    bool is_available() const { return is_whole && failure.empty(); }
};

// What only the running device knows.
struct LiveFacts {
    std::string software_version;  // of the slot that runs
    std::uint32_t security_version = 0;
    std::string connection_url, file_server_url;
    std::string state;  // "Idle", "Fetching", …
    bool is_healthy = true;
    std::array<SlotFacts, 2> slots;  // where there are some
    install::Slot running = install::Slot::a, next_boot = install::Slot::a;
    bool is_upgrading = false;  // the other slot is being written, or on trial
    ConfigurationFacts configuration;
    std::uint32_t cpu_percent = 0;
    std::uint64_t cache_bytes = 0, memory_total_kib = 0, memory_free_kib = 0, up_seconds = 0;
};

enum class Type : std::uint8_t { text, boolean, number, big, date };
enum class Access : std::uint8_t { read, write, secret };  // secret: written, reads as empty
enum class In : std::uint8_t { both, tr181, tr098 };
enum class Sent : std::uint8_t { asked, inform };  // inform: with every Inform

// Where values come from.
struct ParameterSources {
    const Settings& settings;
    const DeviceState& state;
    const LiveFacts& live;
};

struct ParameterRow {
    std::string_view path;  // below the root
    Type type;
    Access access;
    In in;
    Sent sent;
    std::string (*value)(const ParameterSources& v);
};

// The whole table. A value that the ACS has set stands before the one given here.
const std::vector<ParameterRow>& parameter_rows();

// "xsd:string" and its kin.
std::string_view xsd_of(Type type);
std::string boolean_text(bool value);

// A dateTime that says "unknown".
inline constexpr std::string_view kNoTime = "0001-01-01T00:00:00Z";

inline constexpr std::string_view kPeriodicInterval = "ManagementServer.PeriodicInformInterval";
inline constexpr std::string_view kPeriodicEnable = "ManagementServer.PeriodicInformEnable";
inline constexpr std::string_view kPeriodicTime = "ManagementServer.PeriodicInformTime";
inline constexpr std::string_view kBootImage = "DeviceInfo.BootFirmwareImage";
// "DeviceInfo.FirmwareImage.1", without a root.
std::string image_path(install::Slot slot);
inline constexpr std::string_view kAcsUrl = "ManagementServer.URL";
inline constexpr std::string_view kAcsUsername = "ManagementServer.Username";
inline constexpr std::string_view kAcsPassword = "ManagementServer.Password";
inline constexpr std::string_view kCallUsername = "ManagementServer.ConnectionRequestUsername";
inline constexpr std::string_view kCallPassword = "ManagementServer.ConnectionRequestPassword";
inline constexpr std::string_view kEnable = "X_SLUICE_PeerDownload.Enable";
inline constexpr std::string_view kMasterUrl = "X_SLUICE_PeerDownload.MasterURL";
inline constexpr std::string_view kAssignmentUrl = "X_SLUICE_PeerDownload.AssignmentURL";

}  // namespace sluice::agent::management
