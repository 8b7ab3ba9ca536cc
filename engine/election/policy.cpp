#include "engine/election/policy.hpp"

#include <algorithm>
#include <limits>

#include "engine/grouping/json_reader.hpp"

namespace sluice::election {
namespace {

constexpr std::size_t kMaxPolicyBytes = 64 * 1024;
constexpr std::uint32_t kMaxWeight = 1000;
constexpr std::uint64_t kAnyNumber = std::numeric_limits<std::uint64_t>::max();

std::uint32_t small(grouping::JsonReader& from, std::string_view key, std::uint32_t fallback,
                    std::uint32_t min, std::uint32_t max) {
    return static_cast<std::uint32_t>(from.number_or(key, fallback, min, max));
}

Weights read_weights(grouping::JsonReader& from) {
    Weights out;
    out.idle_cpu = small(from, "idle_cpu", 0, 0, kMaxWeight);
    out.cache = small(from, "cache", 0, 0, kMaxWeight);
    out.uplink = small(from, "uplink", 0, 0, kMaxWeight);
    from.finish();
    return out;
}

}  // namespace

Result<void> check(const MasterPolicy& p) {
    if (p.weights.idle_cpu + p.weights.cache + p.weights.uplink == 0)
        return Error{"weights: are all 0: nothing would tell a good master from a bad one"};
    if (std::max({p.weights.idle_cpu, p.weights.cache, p.weights.uplink}) > kMaxWeight)
        return Error{"weights: one is above 1000"};
    if (p.eligibility.max_cpu_percent > 100) return Error{"max_cpu_percent: is above 100"};
    if (p.masters_per_group < 1 || p.masters_per_group > kMaxMasters)
        return Error{"masters: is not within 1 to " + std::to_string(kMaxMasters)};
    if (p.stand_ins > kMaxMasters)
        return Error{"stand_ins: is above " + std::to_string(kMaxMasters)};
    if (p.hysteresis_percent > 100) return Error{"hysteresis_percent: is above 100"};
    if (p.full_cache_bytes == 0) return Error{"full_cache_bytes: is 0"};
    if (p.full_uplink_bps == 0) return Error{"full_uplink_bps: is 0"};
    return success();
}

std::uint32_t masters_wanted(const MasterPolicy& policy, std::uint32_t group_size) {
    if (policy.fan_out == 0) return std::min(policy.masters_per_group, group_size);
    return std::min((group_size + policy.fan_out - 1) / policy.fan_out, kMaxMasters);
}

MasterPolicy read_master_policy(grouping::JsonReader& from) {
    MasterPolicy out;
    if (from.has("masters") && from.has("fan_out"))
        from.refuse("fan_out", "stands beside masters: say one of the two");
    out.masters_per_group = small(from, "masters", out.masters_per_group, 1, kMaxMasters);
    out.fan_out = small(from, "fan_out", 0, 1, 1'000'000);
    out.stand_ins = small(from, "stand_ins", out.stand_ins, 0, kMaxMasters);
    auto& limits = out.eligibility;
    limits.max_cpu_percent = small(from, "max_cpu_percent", limits.max_cpu_percent, 0, 100);
    limits.min_cache_bytes = from.number_or("min_cache_bytes", 0, 0, kAnyNumber);
    limits.min_uplink_bps = from.number_or("min_uplink_bps", 0, 0, kAnyNumber);
    limits.needs_file_server = from.flag_or("needs_file_server", limits.needs_file_server);
    if (auto weights = from.object_if_any("weights")) out.weights = read_weights(*weights);
    out.full_cache_bytes = from.number_or("full_cache_bytes", out.full_cache_bytes, 1, kAnyNumber);
    out.full_uplink_bps = from.number_or("full_uplink_bps", out.full_uplink_bps, 1, kAnyNumber);
    out.hysteresis_percent = small(from, "hysteresis_percent", out.hysteresis_percent, 0, 100);
    out.cpu_slack_percent = small(from, "cpu_slack_percent", out.cpu_slack_percent, 0, 100);
    out.seed = from.number_or("seed", 0, 0, kAnyNumber);
    if (const auto checked = check(out); !checked.has_value()) {
        const auto& message = checked.error().message;
        const auto colon = message.find(": ");
        from.refuse(message.substr(0, colon), message.substr(colon + 2));
    }
    from.finish();
    return out;
}

Result<MasterPolicy> parse_master_policy(std::string_view json) {
    SLUICE_TRY(auto document, grouping::JsonDocument::parse(json, kMaxPolicyBytes));
    auto root = document.root(grouping::UnknownKeys::refused);
    auto out = read_master_policy(root);
    SLUICE_CHECK(document.verdict());
    return out;
}

}  // namespace sluice::election
