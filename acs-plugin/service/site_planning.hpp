#pragma once
// One site's plan for one rollout: the groups of the site's devices joined (they all take one
// image, however different what they run now), ranked as elected, planned, and put into PlanNotes.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "acs-plugin/service/plan_note.hpp"
#include "engine/planning/fleet.hpp"

namespace sluice::service {

// The rollout's side of it.
struct SiteJob {
    planning::Job job;  // image_url is not looked at: every device has its own
    planning::SiteLinks links;
    bool is_firmware = true;      // false: applied without a reboot, nothing is staged
    bool uses_peers = true;       // false: everybody from the origin
    bool plain_may_share = true;  // the image is vendor_verified
};

struct PlannedSeat {
    DeviceIndex device;
    std::string part;  // a name of planning::Part
    PlanNote note;
};

std::string_view name_of(planning::Part part);

// All of `devices`, which take part and report one site (or none: then nobody shares).
Result<std::vector<PlannedSeat>> plan_site(const planning::Fleet& fleet,
                                           std::span<const DeviceIndex> devices, const SiteJob& job,
                                           WallTime now);

// A device that came after its site was planned: takes from the best of those who serve, and
// serves nobody. `planned` in order of rank.
Result<PlannedSeat> plan_late(const planning::Fleet& fleet, DeviceIndex device,
                              std::span<const PlannedSeat> planned, const SiteJob& job,
                              WallTime now);

}  // namespace sluice::service
