#pragma once
// What RolloutRow::outcome holds: a rollout's view as it was when the rollout settled. JSON;
// written and read by this folder only. No name of a device is in it but that of an alarm's, where
// the device is of no site.

#include <string>
#include <string_view>

#include "acs-plugin/service/views.hpp"
#include "engine/base/result.hpp"

namespace sluice::service {

std::string outcome_of(const RolloutView& view);
// The view of a rollout that settled; the error names the field at fault.
Result<RolloutView> view_of_settled(const RolloutRow& row);
// The same row without a device's name; false: it does not have it.
bool forget_in_outcome(RolloutRow& row, std::string_view identity);

}  // namespace sluice::service
