#pragma once
// What an emulated CPE says of itself, parameter by parameter, and what it takes from
// SetParameterValues. An agent has the object X_SLUICE_PeerDownload and sends it with every Inform;
// a plain CPE says what the standard asks for, and answers 9005 to the rest.

#include <string>
#include <string_view>
#include <vector>

#include "engine/cwmp/messages.hpp"
#include "sim/fleet/device.hpp"
#include "sim/fleet/identities.hpp"

namespace sluice::sim::fleet {

// What is not in Device.
struct DeviceFacts {
    DeviceNumber number = 0;
    std::string_view version;
    std::string connection_url;  // empty: it cannot be called
};

class DeviceWords {
public:
    DeviceWords(const FleetSettings& settings, const Identities& identities)
        : settings_(settings), identities_(identities) {}

    std::vector<cwmp::ParameterValue> inform_parameters(const Device& device,
                                                        const DeviceFacts& facts) const;
    cwmp::Message get_values(const cwmp::GetParameterValues& request, const Device& device,
                             const DeviceFacts& facts) const;
    cwmp::Message get_names(const cwmp::GetParameterNames& request, const Device& device,
                            const DeviceFacts& facts) const;
    cwmp::Message set_values(const cwmp::SetParameterValues& request, Device& device,
                             const DeviceFacts& facts) const;

    struct Row;

private:
    std::string_view root() const;
    bool has(const Row& row, const DeviceFacts& facts) const;
    std::string value(const Row& row, const Device& device, const DeviceFacts& facts) const;

    const FleetSettings& settings_;
    const Identities& identities_;
};

// What the ACS has set; empty: nothing.
std::string set_value(const Device& device, std::string_view relative_path);
// The same, and it is used up.
std::string take_value(Device& device, std::string_view relative_path);

inline constexpr std::string_view kAssignmentUrl = "X_SLUICE_PeerDownload.AssignmentURL";
inline constexpr std::string_view kMasterUrl = "X_SLUICE_PeerDownload.MasterURL";
inline constexpr std::string_view kCallUsername = "ManagementServer.ConnectionRequestUsername";
inline constexpr std::string_view kCallPassword = "ManagementServer.ConnectionRequestPassword";

}  // namespace sluice::sim::fleet
