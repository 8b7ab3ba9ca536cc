#include "sim/flow/plans.hpp"

#include <algorithm>
#include <bit>

namespace sluice::sim::flow {
namespace {

using scenario::Scenario;
using scenario::Strategy;

double seconds_of(Duration d) {
    return std::chrono::duration<double>(d).count();
}

planning::FleetPolicy policy_of(const Scenario& s, std::uint64_t seed) {
    planning::FleetPolicy out;
    out.masters.masters_per_group = static_cast<std::uint32_t>(s.masters);
    out.masters.stand_ins = static_cast<std::uint32_t>(s.stand_ins);
    out.masters.eligibility.max_cpu_percent = static_cast<std::uint32_t>(s.max_cpu_percent);
    out.masters.seed = seed;
    out.planning.alternates = static_cast<std::uint32_t>(s.alternates);
    out.planning.cpu_gate_percent = static_cast<std::uint32_t>(s.cpu_gate_percent);
    out.planning.shape.max_fan_out = static_cast<std::uint32_t>(s.max_fan_out);
    if (s.topology != scenario::TopologyRule::planned)
        out.planning.topology = planning::Topology(static_cast<int>(s.topology) - 1);
    return out;
}

planning::Job job_of(const Scenario& s, std::uint64_t seed) {
    planning::Job out;
    out.rollout = "sim";
    out.length = static_cast<std::uint64_t>(s.image_size);
    out.piece_length = static_cast<std::uint32_t>((out.length + s.pieces - 1) / s.pieces);
    out.image_url = "http://origin/image.bin";
    out.seed = seed;
    return out;
}

void keep(Plans& out, const planning::SitePlan& plan, const std::vector<std::uint32_t>& devices) {
    out.member.insert(out.member.end(), devices.begin(), devices.end());
    std::uint32_t sharing = 0;
    for (const auto& planned : plan.members) {
        const auto part = planned.member.part;
        const bool is_sharing = part != planning::Part::direct && part != planning::Part::plain &&
                                !planned.source_members.empty();
        if (is_sharing) {
            ++sharing;
            for (const auto rank : planned.source_members)
                if (rank != kFromOrigin) out.source.push_back(static_cast<std::uint16_t>(rank));
        }
        out.first_source.push_back(static_cast<std::uint32_t>(out.source.size()));
        out.origin_delay.push_back(
            static_cast<float>(seconds_of(planned.assignment.budgets.origin_delay)));
        out.join_grace = seconds_of(planned.assignment.budgets.join_grace);
        out.starve_limit = seconds_of(planned.assignment.budgets.starve_limit);
    }
    out.sharing.push_back(sharing);
    out.topology.push_back(plan.topology);
    out.first_member.push_back(static_cast<std::uint32_t>(out.member.size()));
}

}  // namespace

std::size_t Plans::bytes() const {
    return 4 * (first_member.capacity() + member.capacity() + sharing.capacity() +
                first_source.capacity() + origin_delay.capacity()) +
           2 * source.capacity() + topology.capacity();
}

std::uint32_t Plans::group_of(std::uint32_t place) const {
    const auto after = std::upper_bound(first_member.begin(), first_member.end(), place);
    return static_cast<std::uint32_t>(after - first_member.begin()) - 1;
}

Result<std::size_t> for_each_plan(const Scenario& s, const Population& population,
                                  std::uint64_t seed, const PlanVisitor& visit) {
    const auto policy = policy_of(s, seed);
    planning::Fleet fleet(policy);
    for (std::uint32_t d = 0; d < population.size(); ++d)
        SLUICE_CHECK(fleet.apply(population.report(d)));
    fleet.settle();
    const auto job = job_of(s, seed);
    planning::SiteLinks links;
    links.origin_bps = static_cast<std::uint64_t>(s.origin_rate);
    links.departures_per_hour = s.outages_per_day / 24;
    std::vector<std::uint32_t> devices;
    for (std::uint32_t g = 0; g < fleet.groups().capacity(); ++g) {
        const grouping::GroupIndex group{g};
        if (fleet.groups().size(group) == 0) continue;
        auto members = fleet.members_of(group);
        const auto first = fleet.inventory().find(members.front().name);
        links.access_bps =
            static_cast<std::uint64_t>(population.access_bps[population.site[first->value]]);
        SLUICE_TRY(const auto plan,
                   planning::make_plan(job, links, std::move(members), policy.planning));
        devices.clear();
        for (const auto& planned : plan.members)
            devices.push_back(fleet.inventory().find(planned.member.name)->value);
        SLUICE_CHECK(visit(plan, devices));
    }
    return fleet.bytes_beside_strings();
}

Result<Plans> make_plans(const Scenario& s, const Population& population, std::uint64_t seed,
                         const std::function<void(std::uint64_t)>& progress) {
    Plans out;
    out.member.reserve(population.size());
    out.first_source.reserve(population.size() + 1);
    out.origin_delay.reserve(population.size());
    out.first_member.push_back(0);
    out.first_source.push_back(0);
    SLUICE_TRY(out.inventory_bytes,
               for_each_plan(s, population, seed,
                             [&](const planning::SitePlan& plan,
                                 const std::vector<std::uint32_t>& devices) -> Result<void> {
                                 keep(out, plan, devices);
                                 if (progress) progress(out.member.size());
                                 return success();
                             }));
    out.source.shrink_to_fit();
    return out;
}

void reshape(Plans& plans, Strategy strategy, std::uint32_t fan_out) {
    if (strategy == Strategy::planned) return;
    const auto parent_of = [&](std::uint32_t rank) -> std::uint32_t {
        if (rank == 0 || strategy == Strategy::unicast) return kFromOrigin;
        if (strategy == Strategy::chain) return rank - 1;
        if (strategy == Strategy::tree) return (rank - 1) / fan_out;
        return 0;  // star, store-and-forward; a swarm's pieces start at rank 0
    };
    std::vector<std::uint32_t> firsts{0};
    firsts.reserve(plans.first_source.size());
    std::vector<std::uint16_t> sources;
    for (std::uint32_t g = 0; g < plans.groups(); ++g) {
        if (strategy == Strategy::unicast) plans.sharing[g] = 0;
        const auto begin = plans.first_member[g];
        for (std::uint32_t rank = 0; rank < plans.size(g); ++rank) {
            const auto at = begin + rank;
            const auto parent = rank < plans.sharing[g] ? parent_of(rank) : kFromOrigin;
            if (parent != kFromOrigin) {
                sources.push_back(static_cast<std::uint16_t>(parent));
                // The planner's alternates stay, behind the new parent.
                for (auto i = plans.first_source[at] + 1; i < plans.first_source[at + 1]; ++i)
                    if (plans.source[i] != parent) sources.push_back(plans.source[i]);
            }
            firsts.push_back(static_cast<std::uint32_t>(sources.size()));
        }
    }
    plans.first_source = std::move(firsts);
    sources.shrink_to_fit();
    plans.source = std::move(sources);
}

}  // namespace sluice::sim::flow
