#pragma once
// The device's parameters (TR-181 `Device.` or TR-098 `InternetGatewayDevice.`) as one table: path,
// type, who may write, where the value comes from. Answers GetParameterValues and -Names, judges
// SetParameterValues, and says what an Inform carries. Reads the settings, the durable state and a
// snapshot of what is live; writes the state's parameters, nothing else.

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/management/device_parameters.hpp"
#include "engine/cwmp/messages.hpp"

namespace sluice::agent::management {

class DeviceModel {
public:
    // Both outlive it.
    DeviceModel(const Settings& settings, DeviceState& state)
        : settings_(settings), state_(state) {}

    cwmp::DeviceId id() const { return settings_.device; }
    // TR-069's required parameters and all of X_SLUICE_PeerDownload.
    std::vector<cwmp::ParameterValue> inform_parameters(const LiveFacts& live) const;

    // A response, or a Fault.
    cwmp::Message get_values(const cwmp::GetParameterValues& request, const LiveFacts& live) const;
    cwmp::Message get_names(const cwmp::GetParameterNames& request) const;
    // All of them or none: on success the state holds them and is to be made durable before the
    // response leaves.
    cwmp::Message set_values(const cwmp::SetParameterValues& request, const LiveFacts& live = {});

    // What the ACS set, or what was configured.
    std::string acs_url() const;
    http::Credentials acs_credentials() const;
    http::Credentials connection_credentials() const;
    bool is_peer_download_enabled() const;
    bool can_convert() const { return !settings_.convert_command.empty(); }
    // Zero: none.
    Duration periodic_interval() const;
    // Of PeriodicInformTime; nothing where none was set.
    std::optional<UtcTime> periodic_time() const;
    // AssignmentURL and MasterURL are for the next Download: they are taken once.
    bool has_download_place() const;
    std::string take_assignment_url();
    std::string take_master_url();

private:
    bool is_there(const ParameterRow& row) const;
    std::string path_of(const ParameterRow& row) const;
    std::string value_of(const ParameterRow& row, const LiveFacts& live) const;
    const ParameterRow* find(std::string_view path) const;
    std::optional<cwmp::SetParameterFault> refusal(const cwmp::ParameterValue& wanted,
                                                   const LiveFacts& live) const;
    std::optional<install::Slot> slot_named(std::string_view path) const;
    std::string set_or(std::string_view relative, std::string otherwise) const;
    std::string take(std::string_view relative);
    std::string_view root() const;

    const Settings& settings_;
    DeviceState& state_;
};

}  // namespace sluice::agent::management
