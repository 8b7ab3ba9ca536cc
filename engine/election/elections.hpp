#pragma once
// Who is master of each group and who is next (R2.4). A report costs O(log group) in update();
// settle() then elects where something changed, looking at no more devices than there are seats.
// Between two settles the order of reports does not matter: same inventory, same sitting masters,
// same result.

#include <cstdint>
#include <string>
#include <vector>

#include "engine/election/policy.hpp"
#include "engine/election/ranks.hpp"
#include "engine/election/standing.hpp"
#include "engine/grouping/grouping.hpp"

namespace sluice::election {

enum class Place : std::uint8_t { master, stand_in, member };

// One device in its group's order, with the reason.
struct Placed {
    DeviceIndex device;
    Place place = Place::member;
    std::uint32_t order = 0;    // among its kind, from 0
    bool is_kept = false;       // a better one waits, but not better by the margin
    std::uint32_t to_beat = 0;  // a member's: the score of the last master
    Standing standing;
};

class Elections {
public:
    // Both outlive the elections. The policy is check()ed.
    Elections(const inventory::Inventory& fleet, const grouping::Grouping& groups,
              const MasterPolicy& policy);

    // After Grouping::update of the same device, for every report that changed anything.
    void update(DeviceIndex device, grouping::Moved moved);
    // Everybody in the grouping at once, as when a process starts on a fleet it has loaded. Sitting
    // masters keep their seats' margin; settle() then elects everywhere.
    void rebuild();
    // The groups whose masters, or their order, are now others.
    std::vector<grouping::GroupIndex> settle();

    // Best first; as of the last settle. None for a site that turned out to be no site.
    std::vector<DeviceIndex> masters(grouping::GroupIndex group) const;
    // Masters, stand-ins, then everybody else in order of merit. O(members).
    std::vector<Placed> ranking(grouping::GroupIndex group) const;
    const MasterPolicy& policy() const { return policy_; }

    std::size_t bytes() const;

private:
    void leave(DeviceIndex device, grouping::GroupIndex group);
    void make_room();
    Merit merit_of(DeviceIndex device) const;
    void enter(DeviceIndex device, grouping::GroupIndex group);
    void mark(grouping::GroupIndex group);
    bool elect(grouping::GroupIndex group);
    std::uint32_t effective_score(DeviceIndex device, bool is_sitting) const;
    Placed placed(DeviceIndex device, Place place, std::uint32_t order) const;

    const inventory::Inventory& fleet_;
    const grouping::Grouping& groups_;
    MasterPolicy policy_;
    Ranks ranks_;
    std::vector<std::uint32_t> roots_;         // by group
    std::vector<std::uint32_t> first_master_;  // by group: the head of a list through next_master_
    std::vector<std::uint32_t> next_master_;   // by device
    std::vector<bool> is_dirty_;               // by group
    std::vector<std::uint32_t> dirty_;
};

// "master 1: score 812", "stand-in 2: score 700", "member: score 640, master has 812",
// "cannot be master: CPU 85.00 % > 70.00 %".
std::string describe(const Placed& placed);

}  // namespace sluice::election
