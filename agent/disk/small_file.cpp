#include <cerrno>
#include <cstring>
#include <system_error>

#include "agent/disk/disk.hpp"

namespace sluice::agent::disk {
namespace {

std::string name_of(int code) {
#ifdef __GLIBC__
    if (const char* const name = ::strerrorname_np(code)) return name;
#endif
    return "errno " + std::to_string(code);
}

DiskResult<void> write_whole(Disk& disk, const std::string& path, ByteView bytes) {
    SLUICE_TRY(const auto file, disk.open(path, Open::replace));
    SLUICE_CHECK(file->pwrite(0, bytes));
    return file->sync_data();
}

}  // namespace

bool DiskError::is_disk_full() const {
    return code == ENOSPC || code == EDQUOT || code == EFBIG;
}
bool DiskError::is_missing() const {
    return code == ENOENT;
}

DiskError disk_error(const char* call, const std::string& path, int code) {
    return {{std::string(call) + " " + path + ": " + name_of(code) + " (" +
             std::generic_category().message(code) + ")"},
            code};
}

DiskResult<Bytes> read_small_file(Disk& disk, const std::string& path, std::size_t max_bytes) {
    SLUICE_TRY(const auto file, disk.open(path, Open::read));
    SLUICE_TRY(const auto length, file->length());
    if (length > max_bytes) return disk_error("read", path, EFBIG);
    Bytes bytes(static_cast<std::size_t>(length));
    SLUICE_TRY(const auto got, file->pread(0, bytes));
    bytes.resize(got);
    return bytes;
}

DiskResult<void> write_small_file(Disk& disk, const std::string& folder, const std::string& name,
                                  ByteView bytes) {
    const auto path = folder + "/" + name;
    const auto beside = path + ".new";
    if (auto written = write_whole(disk, beside, bytes); !written) {
        (void)disk.remove_file(beside);  // or a part of it would hold the last room there is
        return written;
    }
    SLUICE_CHECK(disk.rename(beside, path));
    return disk.sync_directory(folder);
}

DiskResult<void> make_durable_directory(Disk& disk, const std::string& path) {
    SLUICE_CHECK(disk.make_directory(path));
    const auto end = path.find_last_not_of('/');
    const auto slash = end == std::string::npos ? end : path.rfind('/', end);
    if (slash == std::string::npos) return disk.sync_directory(end == slash ? "/" : ".");
    return disk.sync_directory(path.substr(0, slash + 1));
}

}  // namespace sluice::agent::disk
