#include "engine/grouping/json_reader.hpp"
#include "engine/planning/site_plan.hpp"

namespace sluice::planning {
namespace {

constexpr std::uint64_t kMaxDelayMs = 3600 * 1000;

std::uint64_t in_ms(Duration d) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(d).count());
}

Duration read_delay(grouping::JsonReader& from, std::string_view key, Duration fallback,
                    std::uint64_t min) {
    return std::chrono::milliseconds(from.number_or(key, in_ms(fallback), min, kMaxDelayMs));
}

std::uint32_t small(grouping::JsonReader& from, std::string_view key, std::uint32_t fallback,
                    std::uint32_t min, std::uint32_t max) {
    return static_cast<std::uint32_t>(from.number_or(key, fallback, min, max));
}

// "auto" leaves it to the planner.
std::optional<Topology> read_topology(grouping::JsonReader& from) {
    static constexpr std::string_view kWords[] = {"auto", "star", "chain", "tree", "swarm"};
    const auto word = from.choice_or("topology", 0, kWords);
    if (word == 0) return std::nullopt;
    return static_cast<Topology>(word - 1);
}

SwarmRules read_swarm_rules(grouping::JsonReader& from) {
    SwarmRules out;
    out.min_devices = small(from, "swarm_min_devices", out.min_devices, 2, 4096);
    out.min_percent = small(from, "swarm_min_percent", out.min_percent, 1, 100);
    out.min_memory_bytes =
        from.number_or("swarm_min_memory_bytes", out.min_memory_bytes, 0, std::uint64_t{1} << 40);
    return out;
}

SwarmTransport read_transport(grouping::JsonReader& from) {
    static constexpr std::string_view kWords[] = {"tcp", "utp"};
    return from.choice_or("swarm_transport", 0, kWords) == 0 ? SwarmTransport::tcp
                                                             : SwarmTransport::utp;
}

}  // namespace

Result<void> check(const PlanningPolicy& p) {
    // A parent and the origin take two places of the Assignment's list.
    if (p.alternates + 2 > kMaxSources)
        return Error{"alternates: is above " + std::to_string(kMaxSources - 2)};
    if (p.max_slots == 0) return Error{"max_slots: is 0: nobody could serve"};
    if (p.shape.max_fan_out == 0) return Error{"max_fan_out: is 0: nobody could be served"};
    if (p.leader_origin_percent < 100)
        return Error{"leader_origin_percent: is below 100: a master could not finish"};
    return success();
}

PlanningPolicy read_planning_policy(grouping::JsonReader& from) {
    PlanningPolicy out;
    out.shape.max_fan_out = small(from, "max_fan_out", out.shape.max_fan_out, 1, 64);
    out.shape.head_room = small(from, "head_room_percent", 30, 0, 90) / 100.0;
    out.assumed_lan_bps =
        from.number_or("assumed_lan_bps", out.assumed_lan_bps, 64'000, 1'000'000'000'000);
    out.alternates = small(from, "alternates", out.alternates, 0, kMaxSources - 2);
    out.max_slots = small(from, "max_slots", out.max_slots, 1, 1024);
    out.reserved_slots_max = small(from, "reserved_slots_max", out.reserved_slots_max, 0, 64);
    out.rate_cap_bps = from.number_or("rate_cap_bps", 0, 0, 1'000'000'000'000);
    out.cpu_gate_percent = small(from, "cpu_gate_percent", out.cpu_gate_percent, 1, 100);
    out.first_origin_delay = read_delay(from, "first_origin_delay_ms", out.first_origin_delay, 0);
    out.origin_delay_step = read_delay(from, "origin_delay_step_ms", out.origin_delay_step, 0);
    out.origin_delay_max = read_delay(from, "origin_delay_max_ms", out.origin_delay_max, 0);
    out.leader_origin_percent =
        small(from, "leader_origin_percent", out.leader_origin_percent, 100, 1000);
    out.member_origin_percent =
        small(from, "member_origin_percent", out.member_origin_percent, 0, 1000);
    out.join_grace = read_delay(from, "join_grace_ms", out.join_grace, 0);
    out.starve_limit = read_delay(from, "starve_limit_ms", out.starve_limit, 1000);
    out.refresh_s = small(from, "refresh_s", out.refresh_s, 10, 7 * 86400);
    out.topology = read_topology(from);
    out.swarm = read_swarm_rules(from);
    out.swarm_transport = read_transport(from);
    from.finish();
    return out;
}

}  // namespace sluice::planning
