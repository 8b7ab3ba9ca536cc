#pragma once
// The agent's only door to durable writes. Everything that must survive a power cut (piece store,
// slots, boot record) goes through a Disk, so that a test can put a disk behind it that loses,
// tears and reorders whatever was not synced.
//
// What a caller may believe, and no more:
//  - written bytes are durable after File::sync_data returned; until then any subset of their
//    512-byte sectors may be on the medium, in any order;
//  - a created, renamed or removed name is durable after sync_directory of its folder returned;
//    syncing the file does not do that;
//  - rename replaces atomically: after a cut the name means the old file or the new one;
//  - a failed sync_data proves nothing for good: the kernel may have dropped the dirty pages and
//    marked them clean, so neither a second sync nor reading back says what the medium holds.
//
// Threads: a Disk may be used by several threads at once. A File too, as pread, pwrite and
// sync_data carry no position. All calls block; none may be made on the I/O thread.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/base/bytes.hpp"
#include "engine/base/result.hpp"
#include "engine/base/time.hpp"

namespace sluice::agent::disk {

// "pwrite /var/sluice/…/image.bin: ENOSPC (No space left on device)".
struct DiskError : Error {
    int code = 0;  // errno

    bool is_disk_full() const;  // ENOSPC, EDQUOT or EFBIG
    bool is_missing() const;    // ENOENT
};
// `call` is the system call's name.
DiskError disk_error(const char* call, const std::string& path, int code);

template <class T>
using DiskResult = Result<T, DiskError>;

enum class Open : std::uint8_t {
    read,     // must exist
    update,   // must exist; read and write
    create,   // read and write; made, empty, when missing (its name is not durable yet)
    replace,  // read and write; made, or emptied
};

class File {
public:
    virtual ~File() = default;  // closes; never syncs

    // Fills `into` from `offset`; shorter only at the end of the file.
    virtual DiskResult<std::size_t> pread(std::uint64_t offset,
                                          std::span<std::uint8_t> into) const = 0;
    // All bytes or an error, and then any part of them may be there.
    virtual DiskResult<void> pwrite(std::uint64_t offset, ByteView bytes) = 0;
    // Bytes and length durable (fdatasync).
    virtual DiskResult<void> sync_data() = 0;
    virtual DiskResult<void> truncate(std::uint64_t length) = 0;
    // Reserves room for `length` bytes and makes the file that long, so that a full disk shows now.
    // Where the file system cannot reserve, the file is made that long only.
    virtual DiskResult<void> allocate(std::uint64_t length) = 0;
    virtual DiskResult<std::uint64_t> length() const = 0;
    // The first offset at or after `offset` that may hold written bytes; the file's length when
    // there is none. Holes read as zeros.
    virtual DiskResult<std::uint64_t> next_data(std::uint64_t offset) const = 0;
    // Later reads should come from the medium. Synced bytes only; a hint.
    virtual void drop_cache() const = 0;
    // For sendfile and a command's arguments; -1 where there is none. Valid as long as the File.
    virtual int fd() const = 0;
};

struct Entry {
    std::string name;
    bool is_directory = false;
    std::uint64_t bytes = 0;  // allocated, not apparent: a sparse file counts what it takes
    UtcTime modified;
};

class Disk {
public:
    virtual ~Disk() = default;

    virtual DiskResult<std::unique_ptr<File>> open(const std::string& path, Open how) = 0;
    // One level. Present already is fine.
    virtual DiskResult<void> make_directory(const std::string& path) = 0;
    virtual DiskResult<void> sync_directory(const std::string& path) = 0;
    virtual DiskResult<void> rename(const std::string& from, const std::string& to) = 0;
    // Missing already is fine, for both.
    virtual DiskResult<void> remove_file(const std::string& path) = 0;
    virtual DiskResult<void> remove_directory(const std::string& path) = 0;  // must be empty
    // Sorted by name, without "." and "..".
    virtual DiskResult<std::vector<Entry>> list(const std::string& path) = 0;
    virtual DiskResult<void> set_modified(const std::string& path, UtcTime at) = 0;
};

// The real one.
std::unique_ptr<Disk> posix_disk();

// The whole of a small file; an error when it is longer than `max_bytes`.
DiskResult<Bytes> read_small_file(Disk& disk, const std::string& path, std::size_t max_bytes);
// Durable when it returns, and never half there: written beside, synced, renamed, folder synced.
DiskResult<void> write_small_file(Disk& disk, const std::string& folder, const std::string& name,
                                  ByteView bytes);

// The folder and its name in its parent are durable when it returns. The parent exists.
DiskResult<void> make_durable_directory(Disk& disk, const std::string& path);

}  // namespace sluice::agent::disk
