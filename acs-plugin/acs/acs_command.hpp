#pragma once
// The sluice-acs command: options to settings, log, ready file, exit status.

#include <span>
#include <string_view>

namespace sluice::acs {

int acs_command(std::span<const std::string_view> args);

}  // namespace sluice::acs
