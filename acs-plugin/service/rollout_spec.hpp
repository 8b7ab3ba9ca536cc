#pragma once
// What an operator orders: which image, for whom, how. As JSON in the REST API and in RolloutRow;
// unknown keys are refused with the nearest known name. Names as the members, but for times, in
// seconds: "drain_max_s", "order_timeout_s", "commit_timeout_s", "retain_s"; flow "a" or "b".

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"

namespace sluice::service {

// How slaves are told their master (R2.5, R2.6). B needs the agent.
enum class Flow : std::uint8_t { a, b };

struct RolloutSpec {
    std::string name;   // shown to people; the id is made of it
    std::string image;  // ImageRow::id
    Flow flow = Flow::a;
    std::vector<std::string> sites;       // values; empty: all
    std::vector<std::string> devices;     // identities; empty: every device that the manifest fits
    bool uses_peers = true;               // false: everybody from the origin
    std::uint32_t max_sites_at_once = 0;  // start permits by site; 0: no limit
    std::uint32_t max_attempts = 3;       // orders per device before it counts as failed
    std::uint32_t plain_canaries = 2;  // per model and kind of site, before plain CPEs are slaves
    std::uint64_t origin_bps = 0;      // what a site may draw; 0: the planner's setting
    std::chrono::seconds drain_max = std::chrono::minutes(30);
    std::chrono::seconds order_timeout = std::chrono::hours(1);  // sent, and nothing heard
    std::chrono::seconds commit_timeout = std::chrono::hours(24);
    std::chrono::seconds retain = std::chrono::hours(24 * 7);
};

Result<RolloutSpec> parse_rollout_spec(std::string_view json);
std::string to_json(const RolloutSpec& spec);

}  // namespace sluice::service
