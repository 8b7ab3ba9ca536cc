#include "tests/store/fragile_disk.hpp"

#include <algorithm>
#include <cstring>
#include <sqlite3.h>

namespace sluice::store {
namespace {

constexpr std::size_t kSector = 512;

// What SQLite allocates for an open file, and gives to each method.
struct OpenFile {
    sqlite3_file base;
    FragileDisk* disk;
    FragileDisk::File* file;
    int lock;
    std::map<int, int>* held;  // slots of the wal-index: 1 shared, 2 exclusive
    bool is_deleted_on_close;
};

OpenFile& open_file(sqlite3_file* f) {
    return *reinterpret_cast<OpenFile*>(f);
}

FragileDisk& disk_of(sqlite3_vfs* vfs) {
    return *static_cast<FragileDisk*>(vfs->pAppData);
}

int io_close(sqlite3_file* f) {
    auto& o = open_file(f);
    const std::lock_guard guard(o.disk->mutex());
    o.file->locks.erase(f);
    if (o.is_deleted_on_close) o.file->is_there = false;
    delete o.held;
    return SQLITE_OK;
}

int io_read(sqlite3_file* f, void* to, int size, sqlite3_int64 offset) {
    auto& o = open_file(f);
    const std::lock_guard guard(o.disk->mutex());
    if (o.disk->is_dark()) return SQLITE_IOERR_READ;
    const auto& bytes = o.file->now;
    const auto at = static_cast<std::size_t>(offset), wanted = static_cast<std::size_t>(size);
    const auto have = at >= bytes.size() ? 0 : std::min(bytes.size() - at, wanted);
    if (have > 0) std::memcpy(to, bytes.data() + at, have);
    std::memset(static_cast<char*>(to) + have, 0, wanted - have);
    return have == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int io_write(sqlite3_file* f, const void* from, int size, sqlite3_int64 offset) {
    auto& o = open_file(f);
    const std::lock_guard guard(o.disk->mutex());
    if (!o.disk->use_power()) return SQLITE_IOERR_WRITE;
    const auto at = static_cast<std::size_t>(offset), end = at + static_cast<std::size_t>(size);
    if (o.file->now.size() < end) o.file->now.resize(end);
    std::memcpy(o.file->now.data() + at, from, end - at);
    const auto* bytes = static_cast<const std::uint8_t*>(from);
    o.file->unsynced.push_back({at, Bytes(bytes, bytes + size), false});
    return SQLITE_OK;
}

int io_truncate(sqlite3_file* f, sqlite3_int64 size) {
    auto& o = open_file(f);
    const std::lock_guard guard(o.disk->mutex());
    if (!o.disk->use_power()) return SQLITE_IOERR_TRUNCATE;
    o.file->now.resize(static_cast<std::size_t>(size));
    o.file->unsynced.push_back({static_cast<std::uint64_t>(size), {}, true});
    return SQLITE_OK;
}

int io_sync(sqlite3_file* f, int) {
    auto& o = open_file(f);
    const std::lock_guard guard(o.disk->mutex());
    if (!o.disk->use_power()) return SQLITE_IOERR_FSYNC;
    o.disk->sync(*o.file);
    return SQLITE_OK;
}

int io_size(sqlite3_file* f, sqlite3_int64* size) {
    auto& o = open_file(f);
    const std::lock_guard guard(o.disk->mutex());
    *size = static_cast<sqlite3_int64>(o.file->now.size());
    return SQLITE_OK;
}

// SHARED any number, RESERVED and PENDING one beside them, EXCLUSIVE alone.
int io_lock(sqlite3_file* f, int level) {
    auto& o = open_file(f);
    const std::lock_guard guard(o.disk->mutex());
    for (const auto& [who, held] : o.file->locks) {
        if (who == f) continue;
        if (level == SQLITE_LOCK_SHARED && held >= SQLITE_LOCK_PENDING) return SQLITE_BUSY;
        if (level == SQLITE_LOCK_RESERVED && held >= SQLITE_LOCK_RESERVED) return SQLITE_BUSY;
        if (level == SQLITE_LOCK_EXCLUSIVE && held > SQLITE_LOCK_NONE) return SQLITE_BUSY;
    }
    o.file->locks[f] = std::max(o.file->locks[f], level);
    return SQLITE_OK;
}

int io_unlock(sqlite3_file* f, int level) {
    auto& o = open_file(f);
    const std::lock_guard guard(o.disk->mutex());
    o.file->locks[f] = level;
    return SQLITE_OK;
}

int io_is_reserved(sqlite3_file* f, int* out) {
    auto& o = open_file(f);
    const std::lock_guard guard(o.disk->mutex());
    *out = std::ranges::any_of(o.file->locks,
                               [](const auto& l) { return l.second >= SQLITE_LOCK_RESERVED; });
    return SQLITE_OK;
}

int io_control(sqlite3_file*, int, void*) {
    return SQLITE_NOTFOUND;
}
int io_sector(sqlite3_file*) {
    return kSector;
}
int io_characteristics(sqlite3_file*) {
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

int io_shm_map(sqlite3_file* f, int region, int size, int may_extend, void volatile** out) {
    auto& o = open_file(f);
    const std::lock_guard guard(o.disk->mutex());
    auto& shared = o.file->shared;
    *out = nullptr;
    while (shared.size() <= static_cast<std::size_t>(region)) {
        if (may_extend == 0) return SQLITE_OK;
        shared.push_back(std::make_unique<std::uint8_t[]>(static_cast<std::size_t>(size)));
    }
    *out = shared[static_cast<std::size_t>(region)].get();
    return SQLITE_OK;
}

int io_shm_lock(sqlite3_file* f, int first, int count, int flags) {
    auto& o = open_file(f);
    const std::lock_guard guard(o.disk->mutex());
    auto& all = o.file->shared_locks;
    const bool is_exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    for (int slot = first; slot < first + count; ++slot) {
        auto& mine = (*o.held)[slot];
        if ((flags & SQLITE_SHM_UNLOCK) != 0) {
            if (mine != 0) all[slot] += is_exclusive ? 1 : -1;
            mine = 0;
            continue;
        }
        if (mine != 0) continue;
        if (is_exclusive ? all[slot] != 0 : all[slot] < 0) {
            // Give back what this very call took.
            for (int back = first; back < slot; ++back)
                if (is_exclusive) all[back] = (*o.held)[back] = 0;
            return SQLITE_BUSY;
        }
        all[slot] += is_exclusive ? -1 : 1;
        mine = is_exclusive ? 2 : 1;
    }
    return SQLITE_OK;
}

void io_shm_barrier(sqlite3_file*) {}

int io_shm_unmap(sqlite3_file* f, int is_deleting) {
    auto& o = open_file(f);
    const std::lock_guard guard(o.disk->mutex());
    for (const auto& [slot, held] : *o.held)
        if (held != 0) o.file->shared_locks[slot] += held == 2 ? 1 : -1;
    o.held->clear();
    if (is_deleting != 0) o.file->shared.clear();
    return SQLITE_OK;
}

const sqlite3_io_methods kMethods{
    2,
    io_close,
    io_read,
    io_write,
    io_truncate,
    io_sync,
    io_size,
    io_lock,
    io_unlock,
    io_is_reserved,
    io_control,
    io_sector,
    io_characteristics,
    io_shm_map,
    io_shm_lock,
    io_shm_barrier,
    io_shm_unmap,
    nullptr,
    nullptr,
};

int vfs_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* f, int flags, int* out_flags) {
    auto& disk = disk_of(vfs);
    const std::lock_guard guard(disk.mutex());
    f->pMethods = nullptr;
    if (disk.is_dark()) return SQLITE_CANTOPEN;
    auto& file = disk.file(name == nullptr ? "nameless" : name);
    if (!file.is_there && (flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
    if (!file.is_there) {
        if (!disk.use_power()) return SQLITE_CANTOPEN;
        // The old bytes of the name are gone; if the power goes first they may be back.
        file.now.clear();
        file.unsynced.push_back({0, {}, true});
        file.is_there = true;
    }
    auto& o = open_file(f);
    o = {{&kMethods},
         &disk,
         &file,
         0,
         new std::map<int, int>,
         (flags & SQLITE_OPEN_DELETEONCLOSE) != 0};
    if (out_flags != nullptr) *out_flags = flags;
    return SQLITE_OK;
}

// Without a sync of the folder the name may come back.
int vfs_delete(sqlite3_vfs* vfs, const char* name, int is_synced) {
    auto& disk = disk_of(vfs);
    const std::lock_guard guard(disk.mutex());
    if (!disk.use_power()) return SQLITE_IOERR_DELETE;
    auto& file = disk.file(name);
    if (!file.is_there) return SQLITE_IOERR_DELETE_NOENT;
    file.is_there = false;
    if (is_synced != 0) file.is_durable = false;
    return SQLITE_OK;
}

int vfs_access(sqlite3_vfs* vfs, const char* name, int, int* out) {
    auto& disk = disk_of(vfs);
    const std::lock_guard guard(disk.mutex());
    *out = disk.file(name).is_there ? 1 : 0;
    return SQLITE_OK;
}

int vfs_full_path(sqlite3_vfs*, const char* name, int size, char* out) {
    sqlite3_snprintf(size, out, "%s", name);
    return SQLITE_OK;
}
int vfs_randomness(sqlite3_vfs*, int size, char* out) {
    sqlite3_vfs* real = sqlite3_vfs_find("unix");
    return real->xRandomness(real, size, out);
}
int vfs_sleep(sqlite3_vfs*, int microseconds) {
    sqlite3_vfs* real = sqlite3_vfs_find("unix");
    return real->xSleep(real, microseconds);
}
int vfs_time(sqlite3_vfs*, double* now) {
    sqlite3_vfs* real = sqlite3_vfs_find("unix");
    return real->xCurrentTime(real, now);
}
int vfs_last_error(sqlite3_vfs*, int, char*) {
    return 0;
}

}  // namespace

FragileDisk::FragileDisk() : vfs_(std::make_unique<sqlite3_vfs>()) {
    static int serial = 0;
    name_ = "fragile" + std::to_string(++serial);
    vfs_->iVersion = 1;
    vfs_->szOsFile = sizeof(OpenFile);
    vfs_->mxPathname = 512;
    vfs_->zName = name_.c_str();
    vfs_->pAppData = this;
    vfs_->xOpen = vfs_open;
    vfs_->xDelete = vfs_delete;
    vfs_->xAccess = vfs_access;
    vfs_->xFullPathname = vfs_full_path;
    vfs_->xRandomness = vfs_randomness;
    vfs_->xSleep = vfs_sleep;
    vfs_->xCurrentTime = vfs_time;
    vfs_->xGetLastError = vfs_last_error;
    sqlite3_vfs_register(vfs_.get(), 0);
}

FragileDisk::~FragileDisk() {
    sqlite3_vfs_unregister(vfs_.get());
}

void FragileDisk::cut_after(std::uint64_t operations) {
    const std::lock_guard guard(mutex_);
    cut_at_ = operations_ + operations;
}

bool FragileDisk::use_power() {
    if (is_dark()) return false;
    ++operations_;
    return !is_dark();  // the one in which the power goes does nothing either
}

// The name becomes durable with the bytes, as SQLite's own VFS sees to.
void FragileDisk::sync(File& file) {
    ++syncs_;
    if (do_syncs_lie_) return;
    file.durable = file.now;
    file.unsynced.clear();
    file.is_durable = file.is_there;
}

void FragileDisk::apply(Bytes& to, const Write& write, Rng* tear) {
    if (write.is_truncation) {
        to.resize(write.offset);
        return;
    }
    const auto end = write.offset + write.bytes.size();
    if (to.size() < end) to.resize(end);
    for (std::size_t at = 0; at < write.bytes.size(); at += kSector) {
        if (tear != nullptr && tear->below(2) == 0) continue;
        const auto size = std::min(kSector, write.bytes.size() - at);
        std::copy_n(write.bytes.begin() + static_cast<std::ptrdiff_t>(at), size,
                    to.begin() + static_cast<std::ptrdiff_t>(write.offset + at));
    }
}

void FragileDisk::lose_and_restore(Rng& rng) {
    const std::lock_guard guard(mutex_);
    for (auto& [name, file] : files_) {
        // Between nothing and nearly all of it was on its way to the medium by itself.
        const auto luck = rng.below(5);
        const bool was_named = file.is_durable;
        auto bytes = file.durable;
        for (const auto& write : file.unsynced) {
            if (rng.below(4) >= luck) continue;
            apply(bytes, write, rng.below(3) == 0 ? &rng : nullptr);
        }
        const bool is_there = was_named && file.is_there ? true : rng.below(2) == 0;
        const bool could_be_there = was_named || file.is_there;
        file.now = file.durable = is_there && could_be_there ? bytes : Bytes{};
        file.is_there = file.is_durable = is_there && could_be_there;
        file.unsynced.clear();
        file.shared.clear();
        file.shared_locks.clear();
        file.locks.clear();
    }
    cut_at_ = ~std::uint64_t{0};
}

}  // namespace sluice::store
