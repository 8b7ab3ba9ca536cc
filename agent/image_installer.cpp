#include "agent/image_installer.hpp"

#include <algorithm>
#include <optional>

#include "agent/clock.hpp"
#include "agent/command_installer.hpp"
#include "agent/installer.hpp"
#include "engine/image/sha256.hpp"

namespace sluice::agent {
namespace {

Result<void> check_whole_file(const PieceStore& store, const image::Digest& wanted) {
    image::Sha256 hash;
    Bytes block(64 * 1024);
    const auto length = store.layout().length;
    for (std::uint64_t offset = 0; offset < length;) {
        const auto size = std::min<std::uint64_t>(block.size(), length - offset);
        auto got = store.file().pread(offset, {block.data(), size});
        if (!got) return Error{got.error().message};
        if (got.value() == 0) return Error{store.image_path() + ": shorter than the image"};
        hash.update({block.data(), got.value()});
        offset += got.value();
    }
    if (hash.finish() != wanted) return Error{store.image_path() + ": not the manifest's SHA-256"};
    return success();
}

// Nothing where no boot loader of ours started the system.
std::optional<install::Slot> running_slot(disk::Disk& disk) {
    const auto file = disk.open("/proc/cmdline", disk::Open::read);
    if (!file) return std::nullopt;
    Bytes line(4096);  // the kernel's own limit on most machines
    const auto got = file.value()->pread(0, line);
    if (!got) return std::nullopt;
    return slot_on_command_line(as_text(ByteView(line).first(got.value())));
}

}  // namespace

Result<std::string> install_into_slots(disk::Disk& disk, const std::string& folder,
                                       const PieceStore& store, const image::Manifest& manifest,
                                       std::uint32_t security_version) {
    SLUICE_TRY(auto installer,
               TwoSlotInstaller::open(disk, folder, running_slot(disk), security_version));
    const install::Order order{manifest.layout.length, manifest.sha256, manifest.security_version};
    SLUICE_TRY(const auto slot, installer->install(store, order, monotonic_now()));
    return std::string(slot == install::Slot::a ? "a" : "b");
}

Result<void> install_by_command(const std::string& command, const PieceStore& store,
                                const image::Manifest& manifest) {
    SLUICE_CHECK(check_whole_file(store, manifest.sha256));
    SLUICE_TRY(const auto installer, CommandInstaller::parse(command));
    return installer.run(
        {store.image_path(), manifest.software_version, manifest.image.hex(), manifest.name});
}

}  // namespace sluice::agent
