#pragma once
// A fleet as the planner keeps it: inventory, groups and elections in step. One report goes through
// all three in O(log group); a site's plan is made from what stands there.

#include <chrono>
#include <span>
#include <string_view>
#include <vector>

#include "engine/election/elections.hpp"
#include "engine/grouping/grouping.hpp"
#include "engine/inventory/inventory.hpp"
#include "engine/planning/site_plan.hpp"

namespace sluice::planning {

struct FleetPolicy {
    grouping::GroupingPolicy grouping;
    election::MasterPolicy masters;
    PlanningPolicy planning;
    inventory::Smoothing smoothing;
    inventory::SiteRule sites;
    // How long a rollout that is over can still be retried; then its devices' parts leave memory.
    std::chrono::seconds settling = std::chrono::hours(24 * 7);
};

// {"grouping": {…}, "masters": {…}, "planning": {…}, "cpu_weight_percent": 30, "max_site_size": 64,
//  "address_prefixes": ["203.0.113.0/24"], "proxies": [], "settle_after_s": 604800}; all optional,
// unknown keys refused.
Result<FleetPolicy> parse_fleet_policy(std::string_view json);

class Fleet {
public:
    // The policy is check()ed, as parse_fleet_policy does.
    explicit Fleet(const FleetPolicy& policy);
    Fleet(const Fleet&) = delete;
    Fleet& operator=(const Fleet&) = delete;

    Result<inventory::Applied> apply(const inventory::DeviceReport& report);
    // Many at once, as at a start: cheaper than one by one, same result. Stops at the first that is
    // refused, naming it.
    Result<void> load(std::span<const inventory::DeviceReport> reports);
    // The same one by one, for reports that should not lie in memory at one time; then the end.
    Result<DeviceIndex> load_one(const inventory::DeviceReport& report);
    void load_end() { elections_.rebuild(); }
    void forget(DeviceIndex device);
    // Elects where reports changed something; the groups whose masters are now others.
    std::vector<grouping::GroupIndex> settle() { return elections_.settle(); }

    const inventory::Inventory& inventory() const { return inventory_; }
    const grouping::Grouping& groups() const { return groups_; }
    const election::Elections& elections() const { return elections_; }
    const FleetPolicy& policy() const { return policy_; }

    // A group's members in the order of their election, as make_plan wants them; named by identity.
    // Of a group that is no site's (grouped without sites) nobody shares: never across sites.
    std::vector<PlanMember> members_of(grouping::GroupIndex group) const;

    std::size_t bytes_beside_strings() const {
        return inventory_.bytes_beside_strings() + groups_.bytes() + elections_.bytes();
    }

private:
    FleetPolicy policy_;
    inventory::Inventory inventory_;
    grouping::Grouping groups_;
    election::Elections elections_;
};

}  // namespace sluice::planning
