#pragma once
// The commands sluice-acs and sluice-planner: options to settings, log, ready file, exit status.

#include <span>
#include <string_view>

#include "acs-plugin/acs/settings.hpp"

namespace sluice::acs {

int acs_command(Program program, std::span<const std::string_view> args);

}  // namespace sluice::acs
