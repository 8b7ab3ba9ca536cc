#pragma once
// A disk in memory that keeps exactly what agent/disk/disk.hpp promises and not a byte more. Cut
// its power at any change and it comes back with a random legal subset of what was not synced:
//  - of each unsynced write, any subset of its 512-byte sectors, in any order among writes (of two
//    writes to a sector either may be the one that stays), now and then a sector of garbage, as
//    flash leaves where it was writing;
//  - of the unsynced names of a folder, a prefix in order (a journalling file system) or any subset
//    (one that is not); a rename is there or not, never half;
//  - a file whose name is durable and whose bytes are not is empty or partly there.
// Killing the process instead loses nothing. All chances come from the seed. Single-threaded.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/disk/disk.hpp"
#include "engine/base/rng.hpp"

namespace sluice::agent::disk {

class FaultyDisk final : public Disk {
public:
    explicit FaultyDisk(std::uint64_t seed);
    ~FaultyDisk() override;

    // The n-th changing call from now on a path that contains `part` is the last that reaches the
    // disk: it fails like all after it, and may still be there, whole or in part, later.
    void cut_power_at(std::uint64_t n, std::string part = "");
    void kill_process_at(std::uint64_t n, std::string part = "");
    bool is_off() const { return is_off_; }
    // Cuts the power now, unless it is off already.
    void cut_power_now();
    // Power is back, or the next process starts. Files opened before stay dead.
    void come_back();

    std::uint64_t changes() const { return changes_; }  // changing calls so far

    // Broken disks, and broken programs: syncs (`call` is "fdatasync" or "fsync") for which it says
    // true do nothing and report success.
    using Lie = std::function<bool(const char* call, const std::string& path)>;
    void lie_about(Lie lie) { lie_ = std::move(lie); }
    // A call (pwrite, fdatasync, …) on a path that contains `part` fails with `code`; 0 ends it. As
    // on Linux, a failed fdatasync may leave the bytes readable, clean, and not on the medium.
    void fail(std::string call, std::string part, int code);
    // Bytes of all files together; a write beyond is ENOSPC.
    void set_capacity(std::uint64_t bytes) { capacity_ = bytes; }

    DiskResult<std::unique_ptr<File>> open(const std::string& path, Open how) override;
    DiskResult<void> make_directory(const std::string& path) override;
    DiskResult<void> sync_directory(const std::string& path) override;
    DiskResult<void> rename(const std::string& from, const std::string& to) override;
    DiskResult<void> remove_file(const std::string& path) override;
    DiskResult<void> remove_directory(const std::string& path) override;
    DiskResult<std::vector<Entry>> list(const std::string& path) override;
    DiskResult<void> set_modified(const std::string& path, UtcTime at) override;

private:
    struct Node;
    class OpenFile;

    enum class Stop : std::uint8_t { none, power, process };

    Node* find(const std::string& path) const;
    std::uint64_t bytes_used(const Node& node) const;
    // What every call does first; 0 or an errno.
    int enter(const char* call, const std::string& path) const;
    // What every changing call does after its change: true when it was the last.
    bool was_last(const std::string& path);
    void survive(Node& node);
    void survive_bytes(Node& file);
    void survive_names(Node& folder);

    Rng rng_;
    std::shared_ptr<Node> root_;
    Lie lie_;
    std::string failing_call_, failing_part_;
    int failing_code_ = 0;
    std::uint64_t capacity_ = ~std::uint64_t{0};
    std::uint64_t changes_ = 0;
    std::uint64_t calls_left_ = 0;  // until the stop; 0 = none is set
    std::string stop_part_;
    Stop stop_ = Stop::none;
    bool is_off_ = false;
    std::uint64_t life_ = 0;  // files of an earlier life are dead
};

}  // namespace sluice::agent::disk
