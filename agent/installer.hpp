#pragma once
// Two-slot installs on a real disk: runs engine/install's machine, does its disk work through
// agent/disk, and hands back what only the program can do. A folder holds it all:
//
//     <slots>/a.img  b.img   the images
//             boot.state     which one boots (boot_record.hpp)
//
// Threads: the worker; an install copies and reads back a whole image.

#include <memory>
#include <optional>
#include <string>

#include "agent/boot_record.hpp"
#include "agent/disk/disk.hpp"
#include "agent/piece_store.hpp"
#include "engine/install/installer.hpp"

namespace sluice::agent {

class TwoSlotInstaller {
public:
    // `running`: the slot the device was booted from; nothing = the active one. A folder without
    // boot.state gets one: `running` (or a) is active, the slots that are there are taken for
    // whole, and the device holds `factory_security_version`.
    static Result<std::unique_ptr<TwoSlotInstaller>> open(
        disk::Disk& disk, const std::string& folder, std::optional<install::Slot> running = {},
        std::uint32_t factory_security_version = 0, const install::InstallPolicy& policy = {});

    // Gives the machine an event and does all disk work it asks for. Returns what is left:
    // CheckHealth, Reboot, Report. Booted comes first, once a process.
    install::Actions on(const install::Event& event, Instant now);
    Instant next_deadline() const { return machine_.next_deadline(); }

    // InstallRequested for the image in `store`, which is complete and durable: the slot it will
    // boot from, or why not. The reboot is the caller's.
    Result<install::Slot> install(const PieceStore& store, const install::Order& order,
                                  Instant now);

    // The image that the other slot holds boots next, on trial. The reboot is the caller's.
    Result<install::Slot> go_to_kept(Instant now);
    // The image that runs boots next: an install that was not booted yet is called off.
    Result<void> stay(Instant now);

    const install::BootState& boot_state() const { return machine_.boot_state(); }
    // Of the last step that failed.
    const Error& last_error() const { return last_error_; }

private:
    TwoSlotInstaller(disk::Disk& disk, std::string folder, BootRecord record, install::Slot running,
                     const install::InstallPolicy& policy);

    Result<install::Slot> installed_slot(const std::string& what,
                                         const install::Actions& left) const;
    install::Event answer(Result<void> done, const install::Event& if_done);
    Result<void> write_slot(install::Slot slot);
    Result<void> sync_slot();
    Result<bool> is_slot_right();

    disk::Disk& disk_;
    const std::string folder_;
    BootRecord record_;
    install::Installer machine_;
    install::Order order_;
    const disk::File* image_ = nullptr;
    std::unique_ptr<disk::File> slot_file_;  // open from write to verify
    Error last_error_;
};

}  // namespace sluice::agent
