#pragma once
// A disk in memory under SQLite's VFS that can lose its power. What was written since a file's last
// sync is then anybody's guess: each such write is there, gone, or there in some of its sectors,
// whatever came before or after it; a file that was never synced may be gone altogether.
//
// The model is what SQLite assumes of a system's disk, and no kinder: sync is the only barrier, and
// a write that was cut damages no byte outside itself (SQLITE_IOCAP_POWERSAFE_OVERWRITE, which is
// SQLite's own word for ext4, xfs and btrfs).

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/base/bytes.hpp"
#include "engine/base/rng.hpp"

struct sqlite3_vfs;

namespace sluice::store {

class FragileDisk {
public:
    FragileDisk();
    ~FragileDisk();  // no file is open
    FragileDisk(const FragileDisk&) = delete;
    FragileDisk& operator=(const FragileDisk&) = delete;

    const std::string& vfs() const { return name_; }  // for StoreOptions

    // From the operation after `operations` more on nothing works: the power is gone.
    void cut_after(std::uint64_t operations);
    // After the last file was closed: what the medium holds, and power again.
    void lose_and_restore(Rng& rng);
    // For tests of the tests: syncs that only say that they did.
    void let_syncs_lie() { do_syncs_lie_ = true; }

    std::uint64_t operations() const { return operations_; }  // writes, truncations, syncs, deletes
    std::uint64_t syncs() const { return syncs_; }

    // One file, for the VFS's methods.
    struct Write {
        std::uint64_t offset = 0;
        Bytes bytes;
        bool is_truncation = false;
    };
    struct File {
        Bytes now, durable;
        std::vector<Write> unsynced;
        bool is_there = false, is_durable = false;
        // The wal-index: memory that connections share, and who holds which lock on it.
        std::vector<std::unique_ptr<std::uint8_t[]>> shared;
        std::map<int, int> shared_locks;   // by slot: readers, or -1 for a writer
        std::map<const void*, int> locks;  // by connection: SQLITE_LOCK_…
    };
    File& file(const std::string& name) { return files_[name]; }
    bool use_power();  // one operation; false once the power is gone
    bool is_dark() const { return operations_ >= cut_at_; }
    void sync(File& file);
    std::recursive_mutex& mutex() { return mutex_; }

private:
    static void apply(Bytes& to, const Write& write, Rng* tear);

    std::recursive_mutex mutex_;
    std::string name_;
    std::unique_ptr<sqlite3_vfs> vfs_;
    std::map<std::string, File> files_;
    std::uint64_t operations_ = 0, syncs_ = 0;
    std::uint64_t cut_at_ = ~std::uint64_t{0};
    bool do_syncs_lie_ = false;
};

}  // namespace sluice::store
