#pragma once
// A scenario: everything a simulation depends on besides the program. Read from TOML by read.hpp,
// written back whole into every results folder. Defaults here are what a file that says nothing
// gets. Rates are link rates in bits a second, sizes bytes, times seconds.

#include <cstdint>
#include <string>
#include <vector>

#include "sim/scenario/distribution.hpp"

namespace sluice::sim::scenario {

enum class Strategy : std::uint8_t {
    planned,            // the planner's own choice of shape
    unicast,            // everybody from the origin
    store_and_forward,  // one master, relaying once it holds the whole image
    star,
    chain,
    tree,
    swarm,  // modelled: pieces spread by doubling, ports used fully
};
inline constexpr std::string_view kStrategyNames[] = {
    "planned", "unicast", "store-and-forward", "star", "chain", "tree", "swarm"};

// Wired: ports, full duplex. Wifi: one air a site. Lines: no LAN; each device hangs on a line of
// its own, and what it gives to a neighbour goes up that line.
enum class LanKind : std::uint8_t { wired, wifi, lines };
inline constexpr std::string_view kLanKindNames[] = {"wired", "wifi", "lines"};

enum class InformMode : std::uint8_t { called, periodic };
inline constexpr std::string_view kInformModeNames[] = {"called", "periodic"};

enum class DeathKind : std::uint8_t { power, process };
inline constexpr std::string_view kDeathKindNames[] = {"power", "process"};

// How the planner lets a site share: by its own choice, or always so.
enum class TopologyRule : std::uint8_t { planned, star, chain, tree, swarm };
inline constexpr std::string_view kTopologyRuleNames[] = {"auto", "star", "chain", "tree", "swarm"};

enum class Fidelity : std::uint8_t { flow, session };
inline constexpr std::string_view kFidelityNames[] = {"flow", "session"};
inline constexpr std::uint32_t kMaxSessions = 100'000;  // devices of fidelity session

struct Scenario {
    std::string name;
    std::string description;
    std::uint64_t version = 1;
    std::uint64_t seed = 1;

    // Who is there.
    std::uint64_t devices = 1000;
    std::string devices_file;  // a CSV of real devices instead
    Distribution site_size = Distribution::constant(20);
    double same_model = 1;  // of a site's devices: of its first device's model
    std::uint64_t models = 1;
    double plain_share = 0;     // CPEs without an agent
    double disabled_share = 0;  // whose subscriber said no
    double swarm_share = 0;     // that can take part in a swarm
    Distribution cpu_percent = Distribution::constant(20);
    double cpu_swing = 0;  // percent points above and below the average over the day
    double cpu_peak_at = 21 * 3600;

    // What they hang on.
    double origin_rate = 10e9;
    std::uint64_t aggregations = 0;
    double aggregation_rate = 0;
    Distribution access_down = Distribution::constant(100e6);
    Distribution access_up = Distribution::constant(20e6);  // matters to lines
    LanKind lan = LanKind::wired;
    Distribution port_up = Distribution::constant(1e9);
    Distribution port_down = Distribution::constant(1e9);
    double air_rate = 600e6;
    double goodput = 0.956;  // 1 / 1.046, the headers of Ethernet, IP and TCP
    double request_delay = 0.0;
    double flash_write = 0;  // bytes a second; 0 = no limit
    double piece_time = 0.0;

    double image_size = 32 << 20;
    std::uint64_t pieces = 32;

    // When they come.
    double begins_at = 2 * 3600;  // time of the day of the first order
    InformMode informs = InformMode::called;
    double inform_period = 86400;
    bool connection_requests = true;  // periodic: slaves are called once their master has an order
    double calls_per_second = 0;      // called: the ACS's pace; 0 = all at once
    std::string waves = "100 %";      // shares of the sites, growing
    double wave_interval = 86400;
    double install_time = 30;
    double reboot_time = 60;
    double drain_max = 1800;

    // What goes wrong.
    double master_death = 0;                              // share of groups whose master dies
    Distribution death_at = Distribution::constant(0.5);  // part of its image it has then
    DeathKind death_kind = DeathKind::power;
    double death_returns = 0;  // after so long; 0 = never
    double outages_per_day = 0;
    Distribution outage_length = Distribution::constant(300);
    double slow_share = 0;
    double slow_factor = 0.1;
    double poison_share = 0;
    double brownout_at = 0;
    double brownout_for = 0;
    double brownout_to = 1;

    // The fleet policy.
    std::uint64_t masters = 1;
    std::uint64_t stand_ins = 2;
    std::uint64_t alternates = 3;
    std::uint64_t max_fan_out = 32;
    double max_cpu_percent = 70;
    std::uint64_t cpu_gate_percent = 90;
    TopologyRule topology = TopologyRule::planned;

    std::vector<Strategy> strategies{Strategy::planned, Strategy::unicast};
    Fidelity fidelity = Fidelity::flow;
    std::uint64_t fan_out = 4;  // of the strategy "tree"
};

}  // namespace sluice::sim::scenario
