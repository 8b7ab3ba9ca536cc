#include "engine/election/standing.hpp"

#include <algorithm>
#include <limits>

namespace sluice::election {
namespace {

constexpr std::uint32_t kFullCpu = 10'000;  // 1/100 percent

// How much of `full` there is, in thousandths.
std::uint64_t part_of(std::uint64_t value, std::uint64_t full) {
    if (value >= full) return kFullScore;
    const bool is_exact = value <= std::numeric_limits<std::uint64_t>::max() / kFullScore;
    return is_exact ? value * kFullScore / full : value / (full / kFullScore);
}

std::uint32_t score_of(const inventory::Inventory& fleet, DeviceIndex d, const MasterPolicy& p) {
    const auto idle = kFullCpu - fleet.cpu_centipercent(d).value_or(kFullCpu);
    const auto sum = p.weights.idle_cpu * part_of(idle, kFullCpu) +
                     p.weights.cache * part_of(fleet.cache_bytes(d), p.full_cache_bytes) +
                     p.weights.uplink * part_of(fleet.uplink_bps(d), p.full_uplink_bps);
    return static_cast<std::uint32_t>(sum /
                                      (p.weights.idle_cpu + p.weights.cache + p.weights.uplink));
}

std::string percent(std::uint64_t centipercent) {
    const auto hundredths = centipercent % 100;
    return std::to_string(centipercent / 100) + (hundredths < 10 ? ".0" : ".") +
           std::to_string(hundredths) + " %";
}

}  // namespace

Standing judge(const inventory::Inventory& fleet, DeviceIndex d, const MasterPolicy& policy,
               bool is_sitting) {
    const auto& limits = policy.eligibility;
    const auto score = score_of(fleet, d, policy);
    const auto no = [score](Verdict why, std::uint64_t value = 0, std::uint64_t limit = 0) {
        return Standing{why, score, value, limit};
    };
    if (!fleet.is_agent(d)) return no(Verdict::is_plain);
    if (!fleet.is_enabled(d)) return no(Verdict::is_disabled);
    if ((fleet.protocols(d) & inventory::kPeerHttpV1) == 0) return no(Verdict::lacks_protocol);
    if (limits.needs_file_server && (!fleet.has_file_server(d) || fleet.file_server(d).is_unset()))
        return no(Verdict::no_file_server);
    const auto cpu = fleet.cpu_centipercent(d);
    const auto slack = is_sitting ? policy.cpu_slack_percent : 0;
    const auto cpu_limit = std::min(limits.max_cpu_percent + slack, 100u) * 100;
    if (!cpu && cpu_limit < kFullCpu) return no(Verdict::cpu_unknown);
    if (cpu.value_or(0) > cpu_limit) return no(Verdict::cpu_too_high, *cpu, cpu_limit);
    if (fleet.cache_bytes(d) < limits.min_cache_bytes)
        return no(Verdict::cache_too_small, fleet.cache_bytes(d), limits.min_cache_bytes);
    if (fleet.uplink_bps(d) < limits.min_uplink_bps)
        return no(Verdict::uplink_too_low, fleet.uplink_bps(d), limits.min_uplink_bps);
    return {Verdict::eligible, score, 0, 0};
}

std::string describe(const Standing& s) {
    const auto below = [&s](const char* what, const char* unit) {
        return std::string(what) + " " + std::to_string(s.value) + unit + " < " +
               std::to_string(s.limit) + unit;
    };
    switch (s.verdict) {
        case Verdict::eligible:
            return "score " + std::to_string(s.score);
        case Verdict::is_plain:
            return "plain CPE";
        case Verdict::is_disabled:
            return "disabled by its subscriber";
        case Verdict::lacks_protocol:
            return "speaks no peer protocol of ours";
        case Verdict::no_file_server:
            return "no file server";
        case Verdict::cpu_unknown:
            return "CPU unknown";
        case Verdict::cpu_too_high:
            return "CPU " + percent(s.value) + " > " + percent(s.limit);
        case Verdict::cache_too_small:
            return below("cache", " B");
        case Verdict::uplink_too_low:
            return below("uplink", " bit/s");
    }
    return {};
}

}  // namespace sluice::election
