#pragma once
// boot.state on the disk: the two copies of engine/install's record and who writes which. Made and
// written by the installer; read and counted down by whatever starts the slots.
//
// Threads: the worker.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/disk/disk.hpp"
#include "engine/install/boot_state.hpp"

namespace sluice::agent {

class BootRecord {
public:
    // <folder>/boot.state; nothing when there is no such file, an error when neither copy is whole.
    // What it read is durable.
    static Result<std::optional<BootRecord>> open(disk::Disk& disk, const std::string& folder);
    // Durable with both copies when it returns.
    static Result<BootRecord> create(disk::Disk& disk, const std::string& folder,
                                     const install::BootState& state);

    const install::BootState& state() const { return state_; }
    // Durable when it returns. After an error either state may be the one on the medium, and the
    // next write still spares the last copy known to be durable.
    Result<void> write(const install::BootState& state);

private:
    BootRecord(std::unique_ptr<disk::File> file, const install::NewestCopy& newest)
        : file_(std::move(file)), state_(newest.state), copy_(newest.copy) {}

    std::unique_ptr<disk::File> file_;
    install::BootState state_;
    std::size_t copy_;  // holds state_
};

// What a boot loader does before anything else: decides, makes the decision durable, and names the
// slot to start. For loaders that are a program (an initramfs), and for tests.
Result<install::Slot> start_boot(disk::Disk& disk, const std::string& folder);

// The slot that a boot loader names to the system it starts: the word sluice.slot=a or
// sluice.slot=b of the kernel's command line. Nothing when there is no such word.
std::optional<install::Slot> slot_on_command_line(std::string_view command_line);

}  // namespace sluice::agent
