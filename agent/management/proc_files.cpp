#include "agent/management/proc_files.hpp"

#include <algorithm>

#include "agent/boot_record.hpp"

namespace sluice::agent::management {
namespace {

constexpr std::size_t kMaxBytes = 64 * 1024;

// A file of /proc says that it is empty until it is read.
std::string read(disk::Disk& disk, const char* path) {
    const auto file = disk.open(path, disk::Open::read);
    if (!file) return {};
    std::string text(kMaxBytes, '\0');
    const auto got =
        file.value()->pread(0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    text.resize(got ? got.value() : 0);
    return text;
}

}  // namespace

std::vector<std::string> own_command_line(disk::Disk& disk) {
    const auto all = read(disk, "/proc/self/cmdline");
    std::vector<std::string> words;
    for (std::size_t at = 0; at < all.size();) {
        const auto end = std::min(all.find('\0', at), all.size());
        words.push_back(all.substr(at, end - at));
        at = end + 1;
    }
    return words;
}

std::string kernel_boot_id(disk::Disk& disk) {
    auto id = read(disk, "/proc/sys/kernel/random/boot_id");
    return id.substr(0, id.find('\n'));
}

std::optional<install::Slot> slot_of_kernel(disk::Disk& disk) {
    return slot_on_command_line(read(disk, "/proc/cmdline"));
}

}  // namespace sluice::agent::management
