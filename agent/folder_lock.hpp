#pragma once
// One agent works in a store or on a pair of slots at a time: two would each believe their own
// PieceSet and boot record, and one would write over the slot that the other has just made active.
// The kernel lets go of the lock however the process ends; where a command was given the
// descriptor, once that has ended too.

#include <string>

#include "engine/base/result.hpp"

namespace sluice::agent {

class FolderLock {
public:
    // The folder exists. An error when another process holds it; does not wait.
    static Result<FolderLock> take(const std::string& folder);
    ~FolderLock();
    FolderLock(FolderLock&& other) noexcept;
    FolderLock& operator=(FolderLock&&) = delete;
    int fd() const { return fd_; }

private:
    explicit FolderLock(int fd) : fd_(fd) {}

    int fd_;
};

}  // namespace sluice::agent
