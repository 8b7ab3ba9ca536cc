#pragma once
// The production planner over a whole population: inventory, grouping, election and make_plan, the
// very objects the ACS runs. Kept of each plan is who shares with whom, in what order, and whom a
// device asks when its parent is gone.

#include <functional>
#include <span>
#include <vector>

#include "engine/planning/fleet.hpp"
#include "sim/flow/population.hpp"

namespace sluice::sim::flow {

inline constexpr std::uint32_t kFromOrigin = planning::kFromOrigin;

// One group's members by rank; `direct` ones, which share with nobody, come last.
struct Plans {
    std::vector<std::uint32_t> first_member;   // one more than groups
    std::vector<std::uint32_t> member;         // device, by group and rank
    std::vector<std::uint32_t> sharing;        // by group: the first so many share
    std::vector<planning::Topology> topology;  // by group, as planned
    std::vector<std::uint32_t> first_source;   // one more than member places
    // Ranks, in the order to try: the parent first, the origin, which is not here, last.
    std::vector<std::uint16_t> source;
    std::vector<float> origin_delay;  // by member place, seconds
    double join_grace = 10;
    double starve_limit = 600;
    std::size_t inventory_bytes = 0;  // of the planner, beside the identities

    std::uint32_t groups() const { return static_cast<std::uint32_t>(first_member.size() - 1); }
    std::uint32_t size(std::uint32_t group) const {
        return first_member[group + 1] - first_member[group];
    }
    // By member place.
    std::span<const std::uint16_t> sources(std::uint32_t place) const {
        return std::span(source).subspan(first_source[place],
                                         first_source[place + 1] - first_source[place]);
    }
    // Rank in its group, or kFromOrigin.
    std::uint32_t parent(std::uint32_t place) const {
        const auto all = sources(place);
        return all.empty() ? kFromOrigin : all.front();
    }
    std::uint32_t group_of(std::uint32_t place) const;
    std::size_t bytes() const;
};

// Every group's plan in turn; `devices` are its members' numbers in the population, by rank.
using PlanVisitor = std::function<Result<void>(const planning::SitePlan& plan,
                                               const std::vector<std::uint32_t>& devices)>;
// The bytes of the planner's inventory, beside the identities.
Result<std::size_t> for_each_plan(const scenario::Scenario& scenario, const Population& population,
                                  std::uint64_t seed, const PlanVisitor& visit);

// `progress` is told devices planned so far.
Result<Plans> make_plans(const scenario::Scenario& scenario, const Population& population,
                         std::uint64_t seed, const std::function<void(std::uint64_t)>& progress);

// Another topology over the same ranks: who is whose parent under `strategy`. The planned one is
// left as it is.
void reshape(Plans& plans, scenario::Strategy strategy, std::uint32_t fan_out);

}  // namespace sluice::sim::flow
