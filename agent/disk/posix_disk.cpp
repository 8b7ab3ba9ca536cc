// Offsets of 64 bits on 32-bit gateways too.
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif
#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/disk/disk.hpp"

namespace sluice::agent::disk {
namespace {

static_assert(sizeof(off_t) == 8);

// Runs a system call again while signals interrupt it.
template <class Call>
auto retried(Call call) {
    auto result = call();
    while (result < 0 && errno == EINTR) result = call();
    return result;
}

class PosixFile final : public File {
public:
    PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
    ~PosixFile() override { ::close(fd_); }
    PosixFile(const PosixFile&) = delete;
    PosixFile& operator=(const PosixFile&) = delete;

    DiskResult<std::size_t> pread(std::uint64_t offset,
                                  std::span<std::uint8_t> into) const override {
        std::size_t done = 0;
        while (done < into.size()) {
            const auto n = retried([&] {
                return ::pread(fd_, into.data() + done, into.size() - done,
                               static_cast<off_t>(offset + done));
            });
            if (n < 0) return disk_error("pread", path_, errno);
            if (n == 0) break;
            done += static_cast<std::size_t>(n);
        }
        return done;
    }

    DiskResult<void> pwrite(std::uint64_t offset, ByteView bytes) override {
        while (!bytes.empty()) {
            const auto n = retried([&] {
                return ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
            });
            if (n < 0) return disk_error("pwrite", path_, errno);
            if (n == 0) return disk_error("pwrite", path_, ENOSPC);
            offset += static_cast<std::uint64_t>(n);
            bytes = bytes.subspan(static_cast<std::size_t>(n));
        }
        return success();
    }

    // Not retried on an error: a second fdatasync may succeed without having written anything.
    DiskResult<void> sync_data() override {
        if (retried([&] { return ::fdatasync(fd_); }) < 0)
            return disk_error("fdatasync", path_, errno);
        return success();
    }

    DiskResult<void> truncate(std::uint64_t length) override {
        if (retried([&] { return ::ftruncate(fd_, static_cast<off_t>(length)); }) < 0)
            return disk_error("ftruncate", path_, errno);
        return success();
    }

    // fallocate and not posix_fallocate: the latter writes zeros where the file system (jffs2,
    // ubifs) has no such thing, and wears the flash for nothing.
    DiskResult<void> allocate(std::uint64_t length) override {
        if (length == 0) return truncate(0);
        if (retried([&] { return ::fallocate(fd_, 0, 0, static_cast<off_t>(length)); }) == 0)
            return success();
        if (errno != EOPNOTSUPP && errno != ENOSYS) return disk_error("fallocate", path_, errno);
        SLUICE_TRY(const auto now, this->length());
        return now < length ? truncate(length) : DiskResult<void>(success());
    }

    DiskResult<std::uint64_t> length() const override {
        struct stat info {};
        if (::fstat(fd_, &info) < 0) return disk_error("fstat", path_, errno);
        return static_cast<std::uint64_t>(info.st_size);
    }

    DiskResult<std::uint64_t> next_data(std::uint64_t offset) const override {
        const auto at = ::lseek(fd_, static_cast<off_t>(offset), SEEK_DATA);
        if (at >= 0) return static_cast<std::uint64_t>(at);
        if (errno == ENXIO) return length();
        return offset;  // no such call here: everything may be data
    }

    void drop_cache() const override { ::posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED); }
    int fd() const override { return fd_; }

private:
    const int fd_;
    const std::string path_;
};

int flags_of(Open how) {
    switch (how) {
        case Open::read:
            return O_RDONLY;
        case Open::update:
            return O_RDWR;
        case Open::create:
            return O_RDWR | O_CREAT;
        case Open::replace:
            return O_RDWR | O_CREAT | O_TRUNC;
    }
    return O_RDONLY;
}

class PosixDisk final : public Disk {
public:
    DiskResult<std::unique_ptr<File>> open(const std::string& path, Open how) override {
        const int fd =
            retried([&] { return ::open(path.c_str(), flags_of(how) | O_CLOEXEC, 0600); });
        if (fd < 0) return disk_error("open", path, errno);
        return std::unique_ptr<File>(std::make_unique<PosixFile>(fd, path));
    }

    DiskResult<void> make_directory(const std::string& path) override {
        if (::mkdir(path.c_str(), 0700) == 0) return success();
        const int code = errno;
        struct stat info {};
        if (code == EEXIST && ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode))
            return success();
        return disk_error("mkdir", path, code);
    }

    DiskResult<void> sync_directory(const std::string& path) override {
        const int fd =
            retried([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
        if (fd < 0) return disk_error("open", path, errno);
        const int code = retried([&] { return ::fsync(fd); }) < 0 ? errno : 0;
        ::close(fd);
        // Some flash file systems have no fsync of a folder: their renames are durable in order.
        if (code != 0 && code != EINVAL && code != ENOTSUP) return disk_error("fsync", path, code);
        return success();
    }

    DiskResult<void> rename(const std::string& from, const std::string& to) override {
        if (::rename(from.c_str(), to.c_str()) < 0) return disk_error("rename", from, errno);
        return success();
    }

    DiskResult<void> remove_file(const std::string& path) override {
        if (::unlink(path.c_str()) < 0 && errno != ENOENT) return disk_error("unlink", path, errno);
        return success();
    }

    DiskResult<void> remove_directory(const std::string& path) override {
        if (::rmdir(path.c_str()) < 0 && errno != ENOENT) return disk_error("rmdir", path, errno);
        return success();
    }

    DiskResult<std::vector<Entry>> list(const std::string& path) override;

    DiskResult<void> set_modified(const std::string& path, UtcTime at) override {
        const struct timespec times[2] = {{static_cast<time_t>(at.seconds), 0},
                                          {static_cast<time_t>(at.seconds), 0}};
        if (::utimensat(AT_FDCWD, path.c_str(), times, 0) < 0)
            return disk_error("utimensat", path, errno);
        return success();
    }
};

DiskResult<std::vector<Entry>> PosixDisk::list(const std::string& path) {
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), ::closedir);
    if (!folder) return disk_error("opendir", path, errno);
    std::vector<Entry> entries;
    for (;;) {
        errno = 0;
        const auto* const found = ::readdir(folder.get());
        if (found == nullptr) break;
        const std::string name = found->d_name;
        if (name == "." || name == "..") continue;
        struct stat info {};
        if (::fstatat(::dirfd(folder.get()), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0)
            continue;  // removed meanwhile
        entries.push_back({name, S_ISDIR(info.st_mode),
                           static_cast<std::uint64_t>(info.st_blocks) * 512,
                           UtcTime{static_cast<std::int64_t>(info.st_mtime)}});
    }
    if (errno != 0) return disk_error("readdir", path, errno);
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return a.name < b.name; });
    return entries;
}

}  // namespace

std::unique_ptr<Disk> posix_disk() {
    return std::make_unique<PosixDisk>();
}

}  // namespace sluice::agent::disk
