#pragma once
// `sluice-acs backup`: a copy of the store while the program works on it, or while none does.

#include <span>
#include <string_view>

#include "acs-plugin/acs/settings.hpp"

namespace sluice::acs {

// What `sluice-acs`, or `sluice-planner`, was started with after the word "backup"; the status to
// end with.
int backup_command(Program program, std::span<const std::string_view> args);

}  // namespace sluice::acs
