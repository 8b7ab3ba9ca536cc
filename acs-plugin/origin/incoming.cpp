#include "acs-plugin/origin/incoming.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace sluice::origin {

Error failed(const std::string& path, int code) {
    return Error{path + ": " + std::generic_category().message(code)};
}

Result<void> write_all(int fd, ByteView bytes, const std::string& path) {
    while (!bytes.empty()) {
        const auto n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failed(path);
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return success();
}

Result<void> sync_folder(const std::string& folder) {
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return failed(folder);
    const int code = ::fsync(fd) == 0 ? 0 : errno;
    ::close(fd);
    if (code != 0) return failed(folder, code);
    return success();
}

Result<Incoming> Incoming::create(const std::string& folder, const std::string& name) {
    auto path = folder + "/" + std::string(kIncoming) + name + "-XXXXXX";
    const int fd = ::mkostemp(path.data(), O_CLOEXEC);
    if (fd < 0) return failed(path);
    Incoming out(path, folder + "/" + name, fd);
    // The world may read what devices get; a folder of the operator's may still be closed.
    if (::fchmod(fd, 0644) != 0) return failed(path);
    return out;
}

Incoming::Incoming(Incoming&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      name_(std::move(other.name_)),
      fd_(std::exchange(other.fd_, -1)) {}

Incoming::~Incoming() {
    if (fd_ >= 0) ::close(fd_);
    if (!path_.empty()) ::unlink(path_.c_str());
}

Result<void> Incoming::sync() {
    if (::fsync(fd_) != 0) return failed(path_);
    return success();
}

Result<void> Incoming::rename() {
    if (::rename(path_.c_str(), name_.c_str()) != 0) return failed(name_);
    path_.clear();
    return success();
}

Result<void> put_file(const std::string& folder, const std::string& name, ByteView bytes) {
    SLUICE_TRY(auto file, Incoming::create(folder, name));
    SLUICE_CHECK(file.write(bytes));
    SLUICE_CHECK(file.sync());
    SLUICE_CHECK(file.rename());
    return sync_folder(folder);
}

}  // namespace sluice::origin
