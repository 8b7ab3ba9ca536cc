#pragma once
// The words this process was started with: a process that restarts itself starts the same again.

#include <string>
#include <vector>

namespace sluice::agent::management {

// /proc/self/cmdline; empty where it cannot be read.
std::vector<std::string> own_command_line();

}  // namespace sluice::agent::management
