#pragma once
// `sluice-agent run`: the device as its ACS manages it.

#include <span>
#include <string_view>

namespace sluice::agent::management {

// `args` behind the word `run`. The program's exit code.
int run_command(std::span<const std::string_view> args);

}  // namespace sluice::agent::management
