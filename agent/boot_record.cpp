#include "agent/boot_record.hpp"

#include <algorithm>

namespace sluice::agent {
namespace {

constexpr char kFileName[] = "boot.state";

disk::DiskResult<Bytes> read_copy(const disk::File& file, std::size_t copy) {
    Bytes bytes(install::kMaxRecordBytes);
    SLUICE_TRY(const auto got, file.pread(install::kCopyOffsets[copy], bytes));
    bytes.resize(got);
    return bytes;
}

}  // namespace

Result<std::optional<BootRecord>> BootRecord::open(disk::Disk& disk, const std::string& folder) {
    const auto path = folder + "/" + kFileName;
    auto opened = disk.open(path, disk::Open::update);
    if (!opened && opened.error().is_missing()) return std::optional<BootRecord>();
    SLUICE_TRY(auto file, std::move(opened));
    // What a process left that was killed in create() or write() may be in the page cache only, and
    // what it left when its sync failed, no later sync writes. Were it taken for durable, the next
    // write would go over the one copy that is.
    SLUICE_CHECK(disk.sync_directory(folder));
    SLUICE_CHECK(file->sync_data());
    file->drop_cache();
    SLUICE_TRY(const auto first, read_copy(*file, 0));
    SLUICE_TRY(const auto second, read_copy(*file, 1));
    const auto newest = install::newest_copy(first, second);
    if (!newest) return Error{path + ": neither copy is a whole boot record"};
    return std::optional<BootRecord>(BootRecord(std::move(file), *newest));
}

Result<BootRecord> BootRecord::create(disk::Disk& disk, const std::string& folder,
                                      const install::BootState& state) {
    const auto record = install::encode(state);
    Bytes both(install::kCopyOffsets[1]);
    both.insert(both.end(), record.begin(), record.end());
    std::copy(record.begin(), record.end(), both.begin());
    SLUICE_CHECK(disk::write_small_file(disk, folder, kFileName, both));
    SLUICE_TRY(auto file, disk.open(folder + "/" + kFileName, disk::Open::update));
    return BootRecord(std::move(file), {state, 0});
}

Result<void> BootRecord::write(const install::BootState& state) {
    const std::size_t older = 1 - copy_;
    SLUICE_CHECK(file_->pwrite(install::kCopyOffsets[older], install::encode(state)));
    SLUICE_CHECK(file_->sync_data());
    state_ = state;
    copy_ = older;
    return success();
}

Result<install::Slot> start_boot(disk::Disk& disk, const std::string& folder) {
    SLUICE_TRY(auto record, BootRecord::open(disk, folder));
    if (!record) return Error{folder + ": no boot.state"};
    const auto choice = install::choose_boot(record->state());
    if (choice.must_record) SLUICE_CHECK(record->write(choice.next));
    return choice.slot;
}

std::optional<install::Slot> slot_on_command_line(std::string_view command_line) {
    constexpr std::string_view kWord = "sluice.slot=";
    for (std::size_t at = 0; at < command_line.size();) {
        const auto end = std::min(command_line.find_first_of(" \t\n", at), command_line.size());
        const auto word = command_line.substr(at, end - at);
        at = end + 1;
        if (!word.starts_with(kWord) || word.size() != kWord.size() + 1) continue;
        if (word.back() == 'a') return install::Slot::a;
        if (word.back() == 'b') return install::Slot::b;
    }
    return std::nullopt;
}

}  // namespace sluice::agent
