#include "agent/folder_lock.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace sluice::agent {

Result<FolderLock> FolderLock::take(const std::string& folder) {
    const auto failed = [&](int code) {
        return Error{folder + ": " + std::generic_category().message(code)};
    };
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return failed(errno);
    FolderLock lock(fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno == EWOULDBLOCK) return Error{folder + ": another agent works in it"};
    // A file system without locks: as alone as one can know.
    if (errno == ENOLCK || errno == EOPNOTSUPP || errno == ENOSYS) return lock;
    return failed(errno);
}

FolderLock::FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FolderLock::~FolderLock() {
    if (fd_ < 0) return;
    ::flock(fd_, LOCK_UN);  // for whoever inherited it as well
    ::close(fd_);
}

}  // namespace sluice::agent
