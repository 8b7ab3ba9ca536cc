#pragma once
// Who may be master and who makes a good one (R2.4), as the operator says it: data, not code.

#include <cstdint>
#include <string_view>

#include "engine/base/result.hpp"

namespace sluice::grouping {
class JsonReader;
}

namespace sluice::election {

// A device outside any of these never serves, however good the rest of it. A plain CPE and one
// whose subscriber said no are never eligible, whatever the policy.
struct Eligibility {
    std::uint32_t max_cpu_percent = 70;
    std::uint64_t min_cache_bytes = 0;
    std::uint64_t min_uplink_bps = 0;  // on the LAN: what it can give to its neighbours
    bool needs_file_server = true;
};

// What counts how much beside the others. All zero is refused: it would leave the choice to chance.
struct Weights {
    std::uint32_t idle_cpu = 60;
    std::uint32_t cache = 10;
    std::uint32_t uplink = 30;
};

struct MasterPolicy {
    Eligibility eligibility;
    Weights weights;
    // From here on, more makes no better master.
    std::uint64_t full_cache_bytes = std::uint64_t{256} << 20;
    std::uint64_t full_uplink_bps = 1'000'000'000;

    std::uint32_t masters_per_group = 1;
    std::uint32_t fan_out =
        0;  // 0 = masters_per_group decides; else one master for so many members
    std::uint32_t stand_ins = 2;

    // A challenger must be better than a sitting master by this part of the full score, and a
    // sitting master may exceed max_cpu_percent by so much: seats do not change at every report.
    std::uint32_t hysteresis_percent = 10;
    std::uint32_t cpu_slack_percent = 10;

    std::uint64_t seed = 0;  // of the order among equals
};

// A bound on what one election looks at, and with it on what one report costs.
inline constexpr std::uint32_t kMaxMasters = 64;
inline constexpr std::uint32_t kFullScore = 1000;

Result<void> check(const MasterPolicy& policy);
std::uint32_t masters_wanted(const MasterPolicy& policy, std::uint32_t group_size);

// {"masters": 1 | "fan_out": 16, "stand_ins": 2, "max_cpu_percent": 70, "min_cache_bytes": 0,
//  "min_uplink_bps": 0, "needs_file_server": true, "weights": {"idle_cpu": 60, "cache": 10,
//  "uplink": 30}, "full_cache_bytes": …, "full_uplink_bps": …, "hysteresis_percent": 10,
//  "cpu_slack_percent": 10, "seed": 0}
// All optional; unknown keys are refused.
Result<MasterPolicy> parse_master_policy(std::string_view json);
MasterPolicy read_master_policy(grouping::JsonReader& from);

}  // namespace sluice::election
