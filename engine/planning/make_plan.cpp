#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

#include "engine/base/bytes.hpp"
#include "engine/base/rng.hpp"
#include "engine/image/piece_layout.hpp"
#include "engine/planning/alternates.hpp"
#include "engine/planning/site_plan.hpp"
#include "engine/planning/swarm.hpp"

namespace sluice::planning {
namespace {

constexpr std::uint32_t kSpareSlots = 2;  // a connection that lingers, a device that looks again

bool is_sharing(Part part) {
    return part <= Part::leaf;
}
bool is_relay(Part part) {
    return part <= Part::relay;
}
bool is_leader(Part part) {
    return part == Part::master || part == Part::stand_in;
}

std::string hex(std::uint64_t value, std::size_t digits) {
    Bytes bytes(8);
    for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
    return to_hex(bytes).substr(0, digits);
}

Result<void> check_inputs(const Job& job, const std::vector<PlanMember>& members) {
    if (members.empty()) return Error{"the group has no members"};
    if (!image::is_valid({job.length, job.piece_length}))
        return Error{"the image's length or piece length is out of bounds"};
    std::set<std::string> names;
    for (const auto& m : members)
        if (!names.insert(m.name).second) return Error{"two members are named '" + m.name + "'"};
    return success();
}

// Parts come as the election said; this puts them in rank order. Other relays with a strong
// uplink first: they are nearer to the root, where more hangs on them.
void rank(std::vector<PlanMember>& members) {
    for (auto& m : members)
        if (is_relay(m.part) && m.url.empty()) {
            m.part = Part::leaf;
            m.why += ", and says not where it serves";
        }
    // Nobody to begin with: nothing can be shared.
    const bool has_master = std::any_of(members.begin(), members.end(),
                                        [](const auto& m) { return m.part == Part::master; });
    for (auto& m : members)
        if (!has_master && is_sharing(m.part)) m.part = Part::direct;
    std::stable_sort(members.begin(), members.end(), [](const auto& a, const auto& b) {
        if (a.part != b.part) return a.part < b.part;
        return a.part == Part::relay && a.port.up_bps > b.port.up_bps;
    });
}

ShapeInput shape_input(const Job& job, const SiteLinks& links,
                       const std::vector<PlanMember>& members, const PlanningPolicy& policy) {
    ShapeInput in;
    in.length = job.length;
    in.piece_length = job.piece_length;
    in.inflow_bps = std::max<std::uint64_t>(std::min(links.origin_bps, links.access_bps), 1);
    const auto known = [&](std::uint64_t bps) { return bps == 0 ? policy.assumed_lan_bps : bps; };
    for (const auto& m : members) {
        if (!is_sharing(m.part)) break;
        const auto departures = m.port.departures_per_hour;
        in.ports.push_back({known(m.port.up_bps), known(m.port.down_bps),
                            departures > 0 ? departures : links.departures_per_hour});
        if (is_relay(m.part)) ++in.relays;
    }
    return in;
}

Source origin_of(const Job& job) {
    return {SourceKind::origin, job.image_url, job.layer_url, "", ""};
}

Duration origin_delay(std::uint32_t rank, const PlanningPolicy& policy) {
    if (rank == 0) return {};
    const auto delay = policy.first_origin_delay + policy.origin_delay_step * (rank - 1);
    return std::min(delay, policy.origin_delay_max);
}

Budgets budgets_of(Part part, std::uint32_t rank, const Job& job, const PlanningPolicy& policy) {
    Budgets out;
    // A `direct` device has nobody else.
    const bool may_take_all = is_leader(part) || part == Part::direct;
    const auto percent = may_take_all ? policy.leader_origin_percent : policy.member_origin_percent;
    out.origin_bytes = job.length / 100 * percent + job.length % 100 * percent / 100;
    out.origin_delay = part == Part::direct ? Duration{} : origin_delay(rank, policy);
    out.join_grace = policy.join_grace;
    out.starve_limit = policy.starve_limit;
    return out;
}

Assignment skeleton(const Job& job, const PlanMember& member, const PlanningPolicy& policy) {
    Assignment out;
    out.rollout = job.rollout;
    out.short_id = short_id(job.rollout, member.name);
    out.role = member.part == Part::master ? Role::master : Role::slave;
    out.image = job.image;
    out.manifest = job.manifest;
    out.seed = mix64(job.seed ^ seed_of(member.name));
    out.server_time = job.now;
    out.refresh_s = policy.refresh_s;
    return out;
}

ServingTerms serving_of(std::uint32_t load, Part part, std::uint32_t plain_count,
                        const PlanningPolicy& policy) {
    ServingTerms out;
    out.slots = std::min(load + kSpareSlots, policy.max_slots);
    if (part == Part::master) out.reserved_slots = std::min(plain_count, policy.reserved_slots_max);
    out.rate_cap_bps = policy.rate_cap_bps;
    out.cpu_gate_percent = policy.cpu_gate_percent;
    return out;
}

void add_sources(MemberPlan& plan, const std::vector<std::uint32_t>& peers, const Job& job,
                 const std::vector<PlanMember>& members) {
    for (const auto p : peers) {
        plan.assignment.sources.push_back({SourceKind::peer, members[p].url, "", "", ""});
        plan.source_members.push_back(p);
    }
    plan.assignment.sources.push_back(origin_of(job));
    plan.source_members.push_back(kFromOrigin);
}

// Gateways last, and among them in rank order; everybody else may install at once.
void order_installs(std::vector<MemberPlan>& members) {
    std::uint32_t gateways = 0;
    for (auto& m : members)
        if (m.member.is_gateway) m.install_order = ++gateways;
}

std::string text(const char* format, double value) {
    std::array<char, 96> out;
    std::snprintf(out.data(), out.size(), format, value);
    return out.data();
}

// Long pieces make a deep shape slow; the image's maker can do better than the planner then.
void advise_pieces(const ShapeInput& in, const Shape& shape, std::vector<std::string>& out) {
    auto finer = in;
    while (finer.piece_length > image::kMinPieceLength) {
        finer.piece_length /= 2;
        const auto gain = shape.forecast.seconds - forecast(finer, shape.parents).seconds;
        if (gain < shape.forecast.seconds * 0.05) continue;
        out.push_back("pieces of " + std::to_string(finer.piece_length / 1024) +
                      " KiB instead of " + std::to_string(in.piece_length / 1024) +
                      " KiB would save " + text("%.0f %%", gain / shape.forecast.seconds * 100));
        return;
    }
}

// Who shares how: the shape and its alternates; nothing where nobody may begin.
Alternates share(const Job& job, const SiteLinks& links, std::vector<PlanMember>& members,
                 const PlanningPolicy& policy, SitePlan& out) {
    auto in = shape_input(job, links, members, policy);
    if (in.ports.empty()) {
        out.why = "nothing is shared: no member may be master";
        out.explanation.push_back(out.why);
        return {};
    }
    auto rules = policy.shape;
    if (policy.topology != Topology::swarm) rules.only = policy.topology;
    auto choice = choose_shape(in, rules);
    out.shape = std::move(choice.shape);
    auto topology = choose_topology(in, out.shape, members, policy);
    out.topology = topology.topology;
    out.why = std::move(topology.why);
    out.explanation = std::move(choice.reasons);
    if (out.topology == Topology::swarm) {
        lead_swarm(members, policy.swarm);
        in = shape_input(job, links, members, policy);
        out.shape = swarm_shape(in, members, policy.swarm);
    } else {
        advise_pieces(in, out.shape, out.explanation);
    }
    out.explanation.insert(out.explanation.begin(),
                           std::string(name_of(out.topology)) + ": " + out.why);
    return deal_alternates(in, out.shape, policy.alternates);
}

}  // namespace

std::string short_id(std::string_view rollout, std::string_view name) {
    return hex(mix64(seed_of(rollout) ^ seed_of(name)), 12);
}

Result<SitePlan> make_plan(const Job& job, const SiteLinks& links, std::vector<PlanMember> members,
                           const PlanningPolicy& policy) {
    SLUICE_CHECK(check_inputs(job, members));
    rank(members);
    SitePlan out;
    const auto alternates = share(job, links, members, policy, out);
    const auto plain_count = static_cast<std::uint32_t>(std::count_if(
        members.begin(), members.end(), [](const auto& m) { return m.part == Part::plain; }));
    for (std::uint32_t i = 0; i < members.size(); ++i) {
        MemberPlan plan;
        plan.member = members[i];
        plan.assignment = skeleton(job, members[i], policy);
        plan.assignment.budgets = budgets_of(members[i].part, i, job, policy);
        if (is_relay(members[i].part))
            plan.assignment.serving =
                serving_of(alternates.load[i], members[i].part, plain_count, policy);
        if (members[i].part != Part::plain)
            add_sources(
                plan,
                is_sharing(members[i].part) ? alternates.peers[i] : std::vector<std::uint32_t>{},
                job, members);
        out.members.push_back(std::move(plan));
    }
    if (out.topology == Topology::swarm) name_peers(out.members, policy);
    order_installs(out.members);
    return out;
}

}  // namespace sluice::planning
