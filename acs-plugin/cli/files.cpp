#include "acs-plugin/cli/files.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::cli {
namespace {

Error system_error(const Path& path, const char* what) {
    return Error{path.string() + ": " + what + ": " + std::strerror(errno)};
}

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    bool is_open() const { return fd_ >= 0; }
    int get() const { return fd_; }

private:
    int fd_;
};

// A regular file, open for reading, and its length.
Result<std::uint64_t> size_of(const Path& path, const Descriptor& file) {
    struct stat status {};
    if (!file.is_open() || ::fstat(file.get(), &status) != 0)
        return system_error(path, "cannot be read");
    if (!S_ISREG(status.st_mode)) return Error{path.string() + ": is not a regular file"};
    return static_cast<std::uint64_t>(status.st_size);
}

// Up to `size` bytes; fewer only at the end of the file.
Result<std::size_t> read_full(const Path& path, int fd, std::uint8_t* to, std::size_t size) {
    std::size_t have = 0;
    while (have < size) {
        const auto n = ::read(fd, to + have, size - have);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return system_error(path, "cannot be read");
        if (n == 0) break;
        have += static_cast<std::size_t>(n);
    }
    return have;
}

Path folder_of(const Path& path) {
    return path.has_parent_path() ? path.parent_path() : ".";
}

Result<void> sync_folder(const Path& path) {
    const auto folder = folder_of(path);
    const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.is_open() || ::fsync(fd.get()) != 0) return system_error(folder, "cannot be synced");
    return success();
}

}  // namespace

Result<std::string> read_file(const Path& path, std::uint64_t max_bytes) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    SLUICE_TRY(const auto size, size_of(path, file));
    if (size > max_bytes)
        return Error{path.string() + ": has " + std::to_string(size) + " bytes, at most " +
                     std::to_string(max_bytes) + " are allowed"};
    std::string out(size, '\0');
    SLUICE_TRY(const auto have,
               read_full(path, file.get(), reinterpret_cast<std::uint8_t*>(out.data()), size));
    out.resize(have);
    return out;
}

Result<std::string> read_range(const Path& path, std::uint64_t offset, std::size_t size) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    SLUICE_TRY(const auto length, size_of(path, file));
    if (offset > length || size > length - offset)
        return Error{path.string() + ": has become shorter"};
    if (::lseek(file.get(), static_cast<off_t>(offset), SEEK_SET) < 0)
        return system_error(path, "cannot be read");
    std::string out(size, '\0');
    SLUICE_TRY(const auto have,
               read_full(path, file.get(), reinterpret_cast<std::uint8_t*>(out.data()), size));
    if (have != size) return Error{path.string() + ": has become shorter"};
    return out;
}

Result<std::uint64_t> length_of(const Path& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    return size_of(path, file);
}

PendingFile::PendingFile(Path path, Path temporary, int fd)
    : path_(std::move(path)), temporary_(std::move(temporary)), fd_(fd) {}

PendingFile::PendingFile(PendingFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, Path())),
      fd_(std::exchange(other.fd_, -1)) {}

PendingFile::~PendingFile() {
    if (fd_ >= 0) ::close(fd_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Error PendingFile::failed(const char* what) const {
    return system_error(path_, what);
}

Result<PendingFile> PendingFile::create(const Path& path, unsigned mode) {
    const auto folder = folder_of(path);
    const bool can_be_named = ::access("/proc/self/fd", X_OK) == 0;
    const int unnamed =
        can_be_named ? ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600) : -1;
    if (unnamed >= 0) {
        PendingFile out(path, Path(), unnamed);
        if (::fchmod(unnamed, mode) != 0) return out.failed("cannot be given its mode");
        return out;
    }
    auto name = (folder / ("." + path.filename().string() + ".XXXXXX")).string();
    const int fd = ::mkostemp(name.data(), O_CLOEXEC);  // 0600 from the start
    if (fd < 0) return system_error(path, "cannot be created");
    PendingFile out(path, name, fd);
    if (::fchmod(fd, mode) != 0) return out.failed("cannot be given its mode");
    return out;
}

Result<void> PendingFile::append(ByteView bytes) {
    while (!bytes.empty()) {
        const auto n = ::write(fd_, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failed("cannot be written");
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return success();
}

// Never replaces what has the name already.
Result<void> PendingFile::give_name(const Path& name) {
    const auto self = "/proc/self/fd/" + std::to_string(fd_);
    const auto& from = temporary_.empty() ? self : temporary_.string();
    if (::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0)
        return success();
    if (errno == EEXIST) return Error{path_.string() + ": exists and is not overwritten"};
    return failed("cannot be created");
}

Result<void> PendingFile::commit(Overwrite overwrite) {
    if (::fsync(fd_) != 0) return failed("cannot be synced");
    if (overwrite == Overwrite::no) {
        SLUICE_CHECK(give_name(path_));  // a temporary name goes with this object
        return sync_folder(path_);
    }
    if (temporary_.empty()) {
        // Only a named file can replace another. Killed right here, the next one takes it away.
        const auto beside = folder_of(path_) / ("." + path_.filename().string() + ".new");
        ::unlink(beside.c_str());
        SLUICE_CHECK(give_name(beside));
        temporary_ = beside;
    }
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) return failed("cannot be renamed");
    temporary_.clear();
    return sync_folder(path_);
}

Result<void> write_file(const Path& path, std::string_view text, unsigned mode,
                        Overwrite overwrite) {
    SLUICE_TRY(auto file, PendingFile::create(path, mode));
    SLUICE_CHECK(file.append(as_bytes(text)));
    return file.commit(overwrite);
}

Result<void> remove_file(const Path& path) {
    if (::unlink(path.c_str()) != 0) {
        if (errno == ENOENT) return success();
        return system_error(path, "cannot be removed");
    }
    return sync_folder(path);
}

Result<void> read_pieces(const Path& path, std::uint64_t length, std::uint32_t piece_length,
                         const std::function<Result<void>(ByteView)>& take) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    SLUICE_TRY(const auto size, size_of(path, file));
    const Error other_length{path.string() + ": has another length than the " +
                             std::to_string(length) + " bytes expected"};
    if (size != length) return other_length;
    Bytes buffer(piece_length);
    for (std::uint64_t at = 0; at < length;) {
        const auto wanted = std::min<std::uint64_t>(piece_length, length - at);
        SLUICE_TRY(const auto have, read_full(path, file.get(), buffer.data(), wanted));
        if (have != wanted) return other_length;
        SLUICE_CHECK(take(ByteView(buffer).first(have)));
        at += have;
    }
    return success();
}

}  // namespace sluice::cli
