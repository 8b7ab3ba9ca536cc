#pragma once
// The few things that the kernel tells a device about itself, out of /proc.

#include <optional>
#include <string>
#include <vector>

#include "agent/disk/disk.hpp"
#include "engine/install/boot_state.hpp"

namespace sluice::agent::management {

// The words this process was started with: one that restarts itself starts the same again.
std::vector<std::string> own_command_line(disk::Disk& disk);

// Another one after each boot of the kernel; empty where it does not say.
std::string kernel_boot_id(disk::Disk& disk);

// The slot that a boot loader of ours started; nothing where none did.
std::optional<install::Slot> slot_of_kernel(disk::Disk& disk);

}  // namespace sluice::agent::management
