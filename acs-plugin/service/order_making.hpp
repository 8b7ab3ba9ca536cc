#pragma once
// What a device is told, out of its run: the Download, and the Assignment behind its token. Sources
// are named with the addresses that they report now; one that left the site, or that its subscriber
// switched off, is not named. The rollout's secrets enter here and nowhere else.

#include <string>

#include "acs-plugin/service/orders.hpp"
#include "acs-plugin/service/planner.hpp"
#include "acs-plugin/service/run.hpp"

namespace sluice::service {

// "<origin_url>/p/<token>/<name>.bin", ≤ 200 characters for an origin_url of up to 64.
std::string origin_url(const PlannerSettings& settings, const ImageRow& image, const Seat& seat);

// Order number `order` of this kind.
Result<DownloadOrder> make_order(const PlannerSettings& settings, const planning::Fleet& fleet,
                                 const Run& run, rollout::Member member, rollout::OrderKind kind,
                                 std::uint32_t order, WallTime now);

Result<planning::Assignment> make_assignment(const PlannerSettings& settings,
                                             const planning::Fleet& fleet, const Run& run,
                                             rollout::Member member, WallTime now);

// The same for an image that is this member's alone (Safeguard::chosen_image): no peers, and it
// serves nobody. The order has no key yet.
DownloadOrder make_order_of(const ImageRow& image, const PlannerSettings& settings, const Run& run,
                            rollout::Member member);
Result<planning::Assignment> make_assignment_of(const ImageRow& image,
                                                const PlannerSettings& settings, const Run& run,
                                                rollout::Member member, WallTime now);

}  // namespace sluice::service
