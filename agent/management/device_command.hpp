#pragma once
// The vendor's programs that this device runs: health, reboot, configuration. Blocks.

#include <string>

#include "agent/command_installer.hpp"
#include "engine/base/time.hpp"

namespace sluice::agent::management {

// `what` begins the error: "health command /bin/x: exit status 3".
Result<void> run_device_command(const std::string& what, const std::string& command,
                                Duration timeout, const InstallSubject& subject,
                                const CommandStreams& streams = {});

}  // namespace sluice::agent::management
