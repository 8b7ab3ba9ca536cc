#pragma once
// What `sluice-sim fleet` was told: which ACS, who the emulated CPEs are, when they report, how
// they fetch, what goes wrong with them, and when it is enough. Read and checked before anything is
// opened.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/http/basic.hpp"
#include "engine/inventory/address.hpp"
#include "engine/net/listen_address.hpp"
#include "engine/net/options.hpp"
#include "engine/net/url.hpp"

namespace sluice::sim::fleet {

// What becomes of an image that a device is told to take from a server.
enum class FetchMode : std::uint8_t {
    none,   // nothing is asked for; the time it takes is emulated
    head,   // asked for, and dropped once its first bytes came; the rest is emulated
    whole,  // every byte, at most at the rate cap; thrown away
};

// Shares of devices, or of orders where an order is named.
struct FleetFaults {
    double refuse = 0;    // of orders: Download is answered with a fault
    double transfer = 0;  // of orders: TransferComplete says `transfer_code`
    std::uint32_t transfer_code = 9010;
    double lost = 0;       // of devices: never come back from their first upgrade
    double unhealthy = 0;  // of devices: fall back from every upgrade
};

struct FleetSettings {
    std::vector<net::Url> acs;  // one logical ACS: a device goes to the next when its own is gone
    std::uint32_t devices = 1000;
    std::uint32_t first = 0;  // number of the first device: several fleets under one ACS
    double agents = 1;        // share; the others are plain CPEs
    std::uint32_t site_size = 1;

    std::string manufacturer, oui, product_class, hardware_version, software_version;
    std::string serial_prefix;
    std::string target_version;  // of plain CPEs after an upgrade; empty: the file's name
    bool is_tr098 = false;
    std::uint32_t inform_bytes = 0;  // pads the Inform to about so many

    http::Credentials who;      // all devices' name and password; empty: none
    std::string device_secret;  // each its own: http::device_password
    http::Credentials call;     // what the ACS calls with
    std::string ca_file, client_certificate, client_key;
    bool resumes_tls = true;

    std::optional<inventory::Prefix> sources;  // devices connect from its addresses, in turn
    std::uint32_t source_count = 0;
    inventory::Prefix peers;                   // where devices say that they serve
    std::optional<net::ListenAddress> listen;  // connection requests; nothing: none are taken
    std::uint32_t listen_ports = 1;            // device i on the (i modulo this)-th

    Duration boot_spread{}, period{}, longest_silence{};
    std::uint32_t retry_minimum_s = 5;
    std::uint32_t at_once = 256;  // sessions open at a time; the others wait their turn
    Duration answer_timeout{};

    FetchMode fetch = FetchMode::head;
    std::uint32_t fetches_at_once = 256;
    double fetch_bps = 0;  // of one device from a server; 0: no cap, and no time where emulated
    double peer_bps = 0;   // from an emulated neighbour, likewise
    Duration install_time{}, reboot_time{}, fall_back_time{};
    FleetFaults faults;

    std::uint64_t seed = 1;
    // The run ends with the first of these; none: at SIGINT.
    std::uint64_t sessions = 0;          // that went well, in all
    std::uint32_t rounds = 0;            // that went well, of each device
    std::string until_version;           // reported by all that are not lost
    Duration duration{};                 // is over: a good end
    Duration time_limit{};               // is over: a bad end
    std::uint64_t warm_up_sessions = 0;  // not counted, before the measurement begins

    std::vector<int> acs_pids;  // whose CPU time is told
    std::string devices_csv;
};

std::span<const net::OptionSpec> fleet_options();
// `acs`: every --acs of the command line; where there is none, the option's own text counts.
Result<FleetSettings> read_fleet_settings(const net::Options& options,
                                          const std::vector<std::string>& acs);

}  // namespace sluice::sim::fleet
