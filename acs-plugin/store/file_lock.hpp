#pragma once
// One process a store: whoever opens it holds a lock beside it, `<path>.lock`, until it ends. A
// planner keeps in memory what it wrote; a second writer would make both wrong. Not SQLite's own
// exclusive lock: that would keep readers out too.

#include <string>

#include "engine/base/result.hpp"

namespace sluice::store {

class FileLock {
public:
    // Refused while another process has the store.
    static Result<FileLock> take(const std::string& path);
    FileLock(FileLock&& other) noexcept;
    FileLock& operator=(FileLock&&) = delete;
    ~FileLock();

private:
    explicit FileLock(int fd) : fd_(fd) {}
    int fd_;
};

// An empty file, its owner's only, with a durable name; one that is there is made the owner's only.
Result<void> make_private_file(const std::string& path);
// Its bytes, and then its name: `path` is `half` from then on, also after a power cut.
Result<void> put_in_place(const std::string& half, const std::string& path);

}  // namespace sluice::store
