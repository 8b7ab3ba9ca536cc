#include "acs-plugin/store/file_lock.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace sluice::store {
namespace {

Error failed(const std::string& path, int code) {
    return Error{path + ": " + std::generic_category().message(code)};
}

Result<void> sync_folder_of(const std::string& path) {
    auto folder = std::filesystem::path(path).parent_path().string();
    if (folder.empty()) folder = ".";
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return failed(folder, errno);
    const bool is_synced = ::fsync(fd) == 0;
    const int code = errno;
    ::close(fd);
    if (!is_synced) return failed(folder, code);
    return success();
}

}  // namespace

Result<FileLock> FileLock::take(const std::string& path) {
    const auto name = path + ".lock";
    const int fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return failed(name, errno);
    FileLock lock(fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno == EWOULDBLOCK) return Error{path + ": another process has it open"};
    return failed(name, errno);
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock::~FileLock() {
    if (fd_ >= 0) ::close(fd_);
}

Result<void> make_private_file(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return failed(path, errno);
    const bool is_private = ::fchmod(fd, 0600) == 0;
    const int code = errno;
    ::close(fd);
    if (!is_private) return failed(path, code);
    return sync_folder_of(path);
}

Result<void> put_in_place(const std::string& half, const std::string& path) {
    const int fd = ::open(half.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return failed(half, errno);
    const bool is_synced = ::fsync(fd) == 0;
    const int code = errno;
    ::close(fd);
    if (!is_synced) return failed(half, code);
    // Not rename(): what came to be there meanwhile is somebody's.
    if (::link(half.c_str(), path.c_str()) != 0) return failed(path, errno);
    if (::unlink(half.c_str()) != 0) return failed(half, errno);
    return sync_folder_of(path);
}

}  // namespace sluice::store
