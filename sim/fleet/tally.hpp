#pragma once
// What a fleet counted, and its two texts. Nothing in it is drawn or decided.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim/fleet/latencies.hpp"

namespace sluice::sim::fleet {

struct Tally {
    // --- sessions
    std::uint64_t begun = 0, good = 0;
    std::map<std::string, std::uint64_t> failed;  // by kind: "timed out", "HTTP 503"
    std::map<std::string, std::string> examples;  // of each kind the first, in words
    Latencies inform;                             // begun, until the Inform was acknowledged
    Latencies session;                            // of good ones, begun until over
    // --- what the ACS asked
    std::map<std::string, std::uint64_t> requests;  // by method
    std::uint64_t calls = 0, calls_denied = 0, calls_busy = 0;
    // --- orders
    std::uint64_t orders = 0, refused = 0;
    std::uint64_t assignments = 0, from_servers = 0, from_peers = 0;
    std::uint64_t server_bytes = 0;  // payload that really came
    std::uint64_t installs = 0, fall_backs = 0, lost_devices = 0;
    std::map<std::uint32_t, std::uint64_t> transfer_faults;  // by code
    std::map<std::string, std::string> fault_examples;       // by code

    std::uint64_t failures() const;
    void fail(const std::string& kind, const std::string& why);
};

// What is known once a run is over.
struct FleetResult {
    Tally tally;
    std::uint32_t devices = 0;
    std::uint32_t reached = 0;                      // had a good session
    double seconds = 0;                             // of the measurement
    double own_cpu_s = 0, acs_cpu_s = -1;           // the ACS's: -1: not asked for
    std::uint64_t bytes_per_device = 0;             // resident, while no session is open
    std::map<std::string, std::uint64_t> versions;  // as reported, of how many
    bool is_complete = true;                        // ended as it was told, not by its time limit
};

std::string to_text(const FleetResult& result);
std::string to_json(const FleetResult& result);

}  // namespace sluice::sim::fleet
