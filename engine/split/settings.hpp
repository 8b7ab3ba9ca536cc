#pragma once
// What an operator tells the splitter: who its three sides are (R4.1), how long its tables
// remember, how much they hold. Read once, checked whole, before anything reaches the kernel.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/inventory/address.hpp"

namespace sluice::split {

using inventory::IpAddress;
using inventory::Prefix;

// When a connection request activates its CPE.
enum class Mode : std::uint8_t {
    early,   // at the CPE's SYN-ACK: CPEs report before the collector has closed
    patent,  // at the collector's FIN (R4.2)
};

// Times of the tables. Whole milliseconds.
struct Lives {
    Duration activation_timeout = 60s;  // of a connection request in progress (table 1)
    Duration activation_ttl = 120s;     // from activation, or from the last answer of a report
    Duration linger = 30s;              // from the last report's FIN or RST
    Duration half_open_timeout = 30s;   // of a report nobody has answered yet (table 3)
    Duration report_timeout = 300s;     // of a report without an answer since (table 3)
};

// Most records of each table, for each address family. A full table sends CPEs to the ITMS.
struct Sizes {
    std::uint32_t activating = 65'536;
    std::uint32_t activated = 262'144;  // by each collector
    std::uint32_t reports = 262'144;
    // Open connections of one address to report ports; more are dropped. 0: any number.
    std::uint32_t connections_per_cpe = 64;
};

struct Settings {
    std::string table = "sluice_split";  // the splitter's own in nftables
    Mode mode = Mode::early;
    // Sides are told apart by address, and by interface too where one is named.
    std::string cpe_interface;
    std::string itms_interface;
    std::string collector_interface;
    std::vector<IpAddress> cpe_addresses;  // side (1)'s own, at most one of each family
    std::vector<Prefix> cpe_networks;      // empty: every address that is not a server's
    std::vector<IpAddress> itms;
    std::vector<IpAddress> collectors;
    std::vector<std::uint16_t> report_ports{7547};
    std::vector<std::uint16_t> activation_ports;  // of CPEs; empty: all
    // Ports of ITMS and collectors that CPEs may also reach; SYNs to any other are dropped (R4.3).
    std::vector<std::uint16_t> forward_ports;
    Lives lives;
    Sizes sizes;

    bool is_server(const IpAddress& address) const;
    bool is_cpe(const IpAddress& address) const;
    bool is_report_port(std::uint16_t port) const;
};

inline constexpr std::size_t kMaxServers = 16;
inline constexpr std::size_t kMaxPorts = 64;
inline constexpr std::uint32_t kMaxRecords = 16'777'216;

// One key of the configuration, for help texts and for telling known names from unknown ones.
struct Key {
    std::string_view name;
    std::string_view value;
    std::string_view help;
};
std::span<const Key> setting_keys();

// Builds the settings from texts by key (empty: not given). Lists are separated by spaces or
// commas, times are like "200ms", "30s", "5m", "1h". Errors name the key.
Result<Settings> read_settings(const std::function<std::string(std::string_view key)>& text);
// "200ms", "30s", "5m", "1h": from 1ms to 24h.
Result<Duration> read_duration(std::string_view key, const std::string& text);

}  // namespace sluice::split
