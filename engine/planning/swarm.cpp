#include "engine/planning/swarm.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "engine/inventory/address.hpp"

namespace sluice::planning {
namespace {

constexpr double kOverhead = 1.04;
constexpr double kSharing = 1.19;
// Near-equal forecasts: fixed orders, whose every step can be foreseen and explained.
constexpr double kClearlyBetter = 0.95;

// Where it would listen: beside its peer server.
std::optional<SwarmPeer> peer_of(const PlanMember& member) {
    const auto server = inventory::parse_endpoint(member.url);
    if (!server || server.value().port > 65535 - kSwarmPortOffset) return std::nullopt;
    return SwarmPeer{inventory::format_address(server.value().address),
                     static_cast<std::uint16_t>(server.value().port + kSwarmPortOffset)};
}

std::string seconds_text(double value) {
    std::array<char, 48> out;
    std::snprintf(out.data(), out.size(), "%.3f s", value);
    return out.data();
}

std::string departures_text(const ShapeInput& in) {
    double sum = 0;
    for (const auto& port : in.ports) sum += port.departures_per_hour;
    std::array<char, 64> out;
    std::snprintf(out.data(), out.size(), ", at %.3g departures an hour and device",
                  sum / static_cast<double>(in.ports.size()));
    return sum > 0 ? out.data() : "";
}

std::string why_not_possible(const ShapeInput& in, const std::vector<PlanMember>& members,
                             const SwarmRules& rules, bool is_forced) {
    const auto sharing = in.ports.size();
    const auto end = members.begin() + static_cast<std::ptrdiff_t>(sharing);
    const auto can = [&](const PlanMember& m) { return may_swarm(m, rules); };
    const auto able = static_cast<std::size_t>(std::count_if(members.begin(), end, can));
    const auto least = is_forced ? 2 : std::max<std::size_t>(rules.min_devices, 2);
    const bool is_share_enough = is_forced || able * 100 >= sharing * rules.min_percent;
    if (able < least || !is_share_enough)
        return std::to_string(able) + " of " + std::to_string(sharing) + " devices can";
    if (std::none_of(members.begin(), end,
                     [&](const PlanMember& m) { return m.part <= Part::stand_in && can(m); }))
        return "no master or stand-in can";
    return {};
}

}  // namespace

double swarm_forecast(const ShapeInput& in) {
    const auto wire = [](std::uint64_t bytes) {
        return static_cast<double>(bytes) * 8 * kWireOverhead;
    };
    const auto count = static_cast<double>(in.ports.size());
    const auto inflow = static_cast<double>(in.inflow_bps);
    double slowest = inflow, uplinks = 0;
    for (const auto& port : in.ports) {
        slowest = std::min(slowest, static_cast<double>(port.down_bps));
        uplinks += static_cast<double>(port.up_bps);
    }
    const auto bits = wire(in.length);
    const auto shared = kSharing * count * bits / (inflow + uplinks);
    const auto flow = std::max(bits / slowest, shared) * kOverhead;
    const auto piece = wire(std::min<std::uint64_t>(in.piece_length, in.length));
    const auto stalls = in.ports[0].departures_per_hour / 3600 * kDepartureSeconds;
    return flow * (1 + stalls) + std::ceil(std::log2(count)) * piece / (uplinks / count);
}

bool may_swarm(const PlanMember& member, const SwarmRules& rules) {
    const bool has_memory =
        member.memory_bytes == 0 || member.memory_bytes >= rules.min_memory_bytes;
    return member.part <= Part::relay && member.can_swarm && has_memory && peer_of(member);
}

TopologyChoice choose_topology(const ShapeInput& in, const Shape& shape,
                               const std::vector<PlanMember>& members,
                               const PlanningPolicy& policy) {
    const auto fixed = topology_of(shape);
    if (in.ports.size() == 1) return {fixed, "one device shares"};
    const bool is_forced = policy.topology.has_value();
    if (is_forced && *policy.topology != Topology::swarm) {
        const bool is_pair_in_a_row = *policy.topology == Topology::chain && shape.fan_out == 1;
        if (*policy.topology == fixed || is_pair_in_a_row) return {*policy.topology, "by policy"};
        return {fixed, "policy says " + std::string(name_of(*policy.topology)) +
                           ", but so few devices make none"};
    }
    const auto expected = seconds_text(shape.forecast.seconds);
    const auto obstacle = why_not_possible(in, members, policy.swarm, is_forced);
    if (!obstacle.empty()) return {fixed, expected + " expected; no swarm: " + obstacle};
    if (is_forced) return {Topology::swarm, "by policy"};
    const auto seconds = swarm_forecast(in);
    const auto swarm = seconds_text(seconds);
    if (seconds >= shape.forecast.seconds * kClearlyBetter)
        return {fixed, expected + " expected, " + swarm + " of a swarm" + departures_text(in)};
    return {Topology::swarm, swarm + " expected, " + expected + " of the best fixed order, a " +
                                 name_of(shape) + departures_text(in)};
}

void lead_swarm(std::vector<PlanMember>& members, const SwarmRules& rules) {
    const auto first = std::find_if(members.begin(), members.end(), [&](const PlanMember& m) {
        return m.part <= Part::stand_in && may_swarm(m, rules);
    });
    if (first == members.begin() || first == members.end()) return;
    if (first->part == Part::stand_in) {
        first->part = Part::master;
        first->why += ", leads because the master knows no swarm";
        members.front().part = Part::stand_in;
    }
    std::rotate(members.begin(), first, first + 1);
    std::stable_sort(members.begin(), members.end(),
                     [](const PlanMember& a, const PlanMember& b) { return a.part < b.part; });
}

Shape swarm_shape(const ShapeInput& in, const std::vector<PlanMember>& members,
                  const SwarmRules& rules) {
    Shape out;
    const auto count = static_cast<std::uint32_t>(in.ports.size());
    std::vector<std::uint32_t> children(count, 0);
    std::uint32_t in_swarm = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        auto parent = i == 0 ? kFromOrigin : 0;
        if (may_swarm(members[i], rules) && in_swarm <= kMaxSwarmPeers) {
            ++in_swarm;
        } else if (i > 0) {
            for (std::uint32_t p = 1; p < i; ++p)
                if (may_swarm(members[p], rules) && children[p] < children[parent]) parent = p;
            out.fan_out = std::max(out.fan_out, ++children[parent]);
        }
        out.parents.push_back(parent);
    }
    out.forecast = forecast(in, out.parents);
    out.forecast.seconds = swarm_forecast(in);
    return out;
}

void name_peers(std::vector<MemberPlan>& members, const PlanningPolicy& policy) {
    std::vector<std::uint32_t> ranks;
    std::vector<SwarmPeer> peers;
    for (std::uint32_t i = 0; i < members.size() && ranks.size() <= kMaxSwarmPeers; ++i) {
        if (!may_swarm(members[i].member, policy.swarm)) continue;
        ranks.push_back(i);
        peers.push_back(*peer_of(members[i].member));
    }
    for (std::size_t at = 0; at < ranks.size(); ++at) {
        auto& plan = members[ranks[at]];
        SwarmTerms terms;
        terms.port = peers[at].port;
        terms.transport = policy.swarm_transport;
        terms.rate_cap_bps = policy.rate_cap_bps;
        terms.upload_slots = kSwarmSlots;
        terms.cpu_gate_percent = policy.cpu_gate_percent;
        for (std::size_t other = 0; other < ranks.size(); ++other) {
            if (other == at) continue;
            terms.peers.push_back(peers[other]);
            plan.swarm_members.push_back(ranks[other]);
        }
        plan.assignment.swarm = std::move(terms);
    }
}

}  // namespace sluice::planning
