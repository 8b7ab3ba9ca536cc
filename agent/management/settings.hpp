#pragma once
// What `sluice-agent run` was told: who this device is, who manages it, where it keeps things. Read
// once and checked before anything is opened or asked; what the ACS may change stands in
// device_state.hpp.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/cwmp/messages.hpp"
#include "engine/http/basic.hpp"
#include "engine/image/trust.hpp"
#include "engine/net/listen_address.hpp"
#include "engine/net/options.hpp"
#include "engine/net/url.hpp"

namespace sluice::agent::management {

enum class DataModel : std::uint8_t { tr181, tr098 };

struct GatewayIdentity {
    std::string oui, product_class, serial;
};

struct Settings {
    std::string acs_url;
    http::Credentials acs;
    std::string ca_file, client_certificate, client_key;

    cwmp::DeviceId device;
    std::string hardware_version;
    std::string software_version;  // of the factory's slot
    std::uint32_t security_version = 0;
    std::string provisioning_code;
    GatewayIdentity gateway;  // empty: unknown
    bool is_gateway = false;
    std::string site;
    DataModel data_model = DataModel::tr181;

    image::Trust trust;
    std::string state, store;
    std::string slots, install_command;  // one of them, or nothing can be installed
    std::vector<net::ListenAddress> listen, connection_listen;
    http::Credentials connection;  // what the ACS calls us with
    std::string local_address;
    Duration periodic_interval{};
    std::uint64_t uplink_bps = 0, downlink_bps = 0, lan_bps = 0;  // 0: not told
    std::string health_command;                                   // empty: always healthy
    std::string reboot_command;
    // How the device's software takes and gives its configuration (device_software.hpp).
    std::string config_file, config_apply_command, config_export_command, convert_command;
    Duration command_timeout{};  // of these three
    bool reboots_after_configuration = false;
    std::string idle_command;  // empty: idle is what uses little CPU
    std::string report;
    Duration boot_spread{};              // of the first session, after a boot that nobody ordered
    Duration reboot_retry{};             // a reboot without effect is asked for again
    std::uint32_t retry_minimum_s = 5;   // CWMPRetryMinimumWaitInterval; of transfers too
    std::optional<UtcTime> clock_floor;  // in the place of the build's date
    bool is_insecure_lab = false;        // secrets may cross plain HTTP

    // The reboot command that is none: the process starts itself again in the slot that a boot
    // loader would have chosen.
    bool restarts_itself() const { return reboot_command == "restart"; }
};

std::span<const net::OptionSpec> run_options();

// An error is wrong use.
Result<Settings> read_settings(const net::Options& options);

}  // namespace sluice::agent::management
