#pragma once
// What becomes of a fetched image on this device: into the inactive slot, to a vendor's own
// command, or nothing. On the worker: it copies, reads back and waits.

#include <string>

#include "agent/disk/disk.hpp"
#include "agent/piece_store.hpp"
#include "engine/image/manifest.hpp"

namespace sluice::agent {

// The slot it will boot from ("a" or "b"). The running slot is the one that the kernel's command
// line names (sluice.slot=a), else the active one. A folder without a boot record gets one that
// holds `security_version`, the running software's.
Result<std::string> install_into_slots(disk::Disk& disk, const std::string& folder,
                                       const PieceStore& store, const image::Manifest& manifest,
                                       std::uint32_t security_version);

// Runs the command (command_installer.hpp) once the whole file has the manifest's SHA-256. It
// installed if it exits with 0.
Result<void> install_by_command(const std::string& command, const PieceStore& store,
                                const image::Manifest& manifest);

}  // namespace sluice::agent
