#include "acs-plugin/service/site_planning.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace sluice::service {
namespace {

using planning::Part;

// Enough that a few may be lost, few enough for an Assignment.
constexpr std::size_t kLateSources = 4;

struct Candidate {
    DeviceIndex device;
    planning::PlanMember member;
    std::uint32_t score = 0;
};
using Candidates = std::vector<Candidate>;

bool is_serving_part(Part part) {
    return part <= Part::relay;
}

Candidate alone(const inventory::Inventory& fleet, DeviceIndex device) {
    planning::PlanMember member;
    member.name = fleet.identity(device);
    member.part = fleet.is_agent(device) ? Part::direct : Part::plain;
    member.is_gateway = fleet.is_gateway(device);
    member.why = "shares with nobody: no site";
    return {device, std::move(member), 0};
}

// By site as the groups have it: a device that moved since it was enrolled shares with nobody of
// its old site.
std::map<inventory::SiteId, Candidates> gather(const planning::Fleet& fleet,
                                               std::span<const DeviceIndex> devices) {
    std::map<inventory::SiteId, Candidates> out;
    std::set<DeviceIndex> wanted(devices.begin(), devices.end());
    std::set<grouping::GroupIndex> groups;
    for (const auto d : devices) {
        const auto group = fleet.groups().group_of(d);
        if (group == grouping::kNoGroup)
            out[inventory::kNoSite].push_back(alone(fleet.inventory(), d));
        else
            groups.insert(group);
    }
    for (const auto group : groups) {
        const auto ranking = fleet.elections().ranking(group);
        auto members = fleet.members_of(group);  // in the same order
        auto& candidates = out[fleet.groups().site_of(group)];
        for (std::size_t i = 0; i < ranking.size(); ++i)
            if (wanted.count(ranking[i].device) != 0)
                candidates.push_back(
                    {ranking[i].device, std::move(members[i]), ranking[i].standing.score});
    }
    return out;
}

// The groups' orders become one: a seat a group was won among its own only.
void join(Candidates& all, const election::MasterPolicy& policy, bool uses_peers) {
    std::sort(all.begin(), all.end(), [](const Candidate& a, const Candidate& b) {
        return std::tuple(a.member.part, b.score, std::string_view(a.member.name)) <
               std::tuple(b.member.part, a.score, std::string_view(b.member.name));
    });
    if (!uses_peers) {
        for (auto& c : all)
            if (c.member.part != Part::plain) c.member.part = Part::direct;
        return;
    }
    const auto seats = election::masters_wanted(policy, static_cast<std::uint32_t>(all.size()));
    std::uint32_t masters = 0;
    for (auto& c : all)
        if (c.member.part == Part::master && ++masters > seats) c.member.part = Part::stand_in;
    if (masters > 0) return;
    // Its master takes no part: the next one stands in.
    const auto next = std::find_if(all.begin(), all.end(), [](const Candidate& c) {
        return is_serving_part(c.member.part) && !c.member.url.empty();
    });
    if (next != all.end()) next->member.part = Part::master;
}

std::string kind_of(const inventory::Inventory& fleet, inventory::SiteId site, DeviceIndex master) {
    static constexpr std::string_view kSources[] = {"none", "imported", "parameter", "gateway",
                                                    "address"};
    const auto server = fleet.file_server(master);
    const auto source =
        site == inventory::kNoSite ? inventory::SiteSource::none : fleet.site_text(site).source;
    return std::string(kSources[static_cast<std::size_t>(source)]) +
           (server.address.is_v4() ? "/v4" : "/v6") + (server.is_tls ? "/https" : "/http");
}

PlanNote note_of(const planning::SitePlan& plan, std::size_t rank, WallTime now) {
    const auto& m = plan.members[rank];
    PlanNote out;
    out.id = m.assignment.short_id;
    out.rank = static_cast<std::uint32_t>(rank);
    out.role = m.assignment.role;
    out.serving = m.assignment.serving;
    out.budgets = m.assignment.budgets;
    out.seed = m.assignment.seed;
    out.refresh_s = m.assignment.refresh_s;
    out.planned = now;
    for (const auto s : m.source_members)
        if (s != planning::kFromOrigin) out.sources.push_back(plan.members[s].member.name);
    out.is_direct = m.member.part == Part::direct;
    out.topology = planning::name_of(plan.topology);
    if (rank == 0) out.topology_why = plan.why;
    out.is_in_swarm = m.assignment.swarm.has_value();
    return out;
}

Result<void> plan_candidates(const planning::Fleet& fleet, inventory::SiteId site, Candidates all,
                             const SiteJob& job, WallTime now, std::vector<PlannedSeat>& out) {
    join(all, fleet.policy().masters, job.uses_peers);
    std::map<std::string, DeviceIndex, std::less<>> devices;
    std::vector<planning::PlanMember> members;
    for (auto& c : all) {
        devices.emplace(c.member.name, c.device);
        members.push_back(std::move(c.member));
    }
    SLUICE_TRY(const auto plan, planning::make_plan(job.job, job.links, std::move(members),
                                                    fleet.policy().planning));
    std::vector<std::string> masters;
    std::set<std::string, std::less<>> parents;
    for (const auto& m : plan.members) {
        if (m.member.part == Part::master && m.assignment.serving) masters.push_back(m.member.name);
        if (!m.source_members.empty() && m.source_members[0] != planning::kFromOrigin)
            parents.insert(plan.members[m.source_members[0]].member.name);
    }
    const bool has_plain_slaves =
        job.plain_may_share && job.uses_peers && !masters.empty() &&
        std::any_of(plan.members.begin(), plan.members.end(),
                    [](const auto& m) { return m.member.part == Part::plain; });
    const auto kind = masters.empty()
                          ? std::string("none")
                          : kind_of(fleet.inventory(), site, devices.find(masters[0])->second);
    const auto first_rank = static_cast<std::uint32_t>(out.size());
    for (std::size_t rank = 0; rank < plan.members.size(); ++rank) {
        const auto& m = plan.members[rank].member;
        PlannedSeat seat{devices.find(m.name)->second, std::string(name_of(m.part)),
                         note_of(plan, rank, now)};
        seat.note.rank += first_rank;
        seat.note.kind = kind;
        if (m.part == Part::plain) {
            seat.note.is_direct = !has_plain_slaves;
            if (has_plain_slaves) seat.note.sources = masters;
        } else {
            const bool is_parent =
                parents.count(m.name) != 0 || (has_plain_slaves && m.part == Part::master);
            const bool goes_last = m.is_gateway && plan.members.size() > 1;
            seat.note.is_staged = job.is_firmware && (is_parent || goes_last);
        }
        if (seat.note.serving && !has_plain_slaves) seat.note.serving->reserved_slots = 0;
        out.push_back(std::move(seat));
    }
    return success();
}

}  // namespace

std::string_view name_of(Part part) {
    static constexpr std::string_view kNames[] = {"master", "stand-in", "relay",
                                                  "leaf",   "direct",   "plain"};
    return kNames[static_cast<std::size_t>(part)];
}

Result<std::vector<PlannedSeat>> plan_site(const planning::Fleet& fleet,
                                           std::span<const DeviceIndex> devices, const SiteJob& job,
                                           WallTime now) {
    std::vector<PlannedSeat> out;
    for (auto& [site, candidates] : gather(fleet, devices)) {
        if (site != inventory::kNoSite) {
            SLUICE_CHECK(plan_candidates(fleet, site, std::move(candidates), job, now, out));
            continue;
        }
        for (auto& c : candidates)
            SLUICE_CHECK(plan_candidates(fleet, site, {std::move(c)}, job, now, out));
    }
    return out;
}

Result<PlannedSeat> plan_late(const planning::Fleet& fleet, DeviceIndex device,
                              std::span<const PlannedSeat> planned, const SiteJob& job,
                              WallTime now) {
    SLUICE_TRY(auto alone, plan_site(fleet, std::span(&device, 1), job, now));
    auto out = std::move(alone.front());
    const auto site = fleet.inventory().site(device);
    const bool is_plain = out.part == name_of(Part::plain);
    std::vector<std::string> servers;
    for (const auto& p : planned) {
        const bool is_here = site != inventory::kNoSite && fleet.inventory().site(p.device) == site;
        const bool may_serve =
            p.note.serving && (is_plain ? p.note.serving->reserved_slots > 0 : true);
        if (is_here && may_serve && servers.size() < kLateSources)
            servers.emplace_back(fleet.inventory().identity(p.device));
        if (is_here && p.note.serving) out.note.kind = p.note.kind;
    }
    out.note.rank = static_cast<std::uint32_t>(planned.size());
    out.note.is_staged = job.is_firmware && fleet.inventory().is_gateway(device);
    if (servers.empty() || !job.uses_peers) return out;
    if (!is_plain && out.note.is_direct) return out;  // its subscriber's choice
    if (!is_plain) {
        out.part = name_of(Part::leaf);
        out.note.role = planning::Role::slave;
        out.note.serving.reset();
    }
    out.note.is_direct = false;
    if (!planned.empty()) out.note.topology = planned.front().note.topology;
    out.note.topology_why.clear();
    out.note.sources = std::move(servers);
    return out;
}

}  // namespace sluice::service
