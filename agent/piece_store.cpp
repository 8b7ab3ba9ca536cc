#include "agent/piece_store.hpp"

#include <cassert>

namespace sluice::agent {
namespace {

constexpr char kImageFile[] = "image.bin";
constexpr char kLayerFile[] = "layer";
constexpr char kManifestFile[] = "manifest";
constexpr std::size_t kMaxManifestBytes = 128 * 1024;  // a 64 KiB manifest in base64, signatures

// The image's file at its full length. A new file for which there is no room is taken away again,
// or it would go on holding what room there was.
disk::DiskResult<std::unique_ptr<disk::File>> open_image(disk::Disk& disk,
                                                         const std::string& folder,
                                                         std::uint64_t length) {
    const auto path = folder + "/" + kImageFile;
    SLUICE_TRY(auto file, disk.open(path, disk::Open::create));
    SLUICE_TRY(const auto first_data, file->next_data(0));
    SLUICE_TRY(const auto length_now, file->length());
    if (auto reserved = file->allocate(length); !reserved) {
        if (first_data >= length_now) (void)disk.remove_file(path);
        return std::move(reserved).as_failure();
    }
    // Longer than it should be: bytes nobody vouches for.
    if (length_now > length) SLUICE_CHECK(file->truncate(length));
    return file;
}

}  // namespace

Result<std::unique_ptr<PieceStore>> PieceStore::open(disk::Disk& disk, const std::string& root,
                                                     const image::ImageId& id,
                                                     const image::PieceLayout& layout,
                                                     const StoreLimits& limits) {
    assert(is_valid(layout));
    auto folder = root + "/" + id.hex();
    SLUICE_CHECK(disk.make_directory(folder));
    SLUICE_CHECK(disk.sync_directory(root));
    SLUICE_TRY(auto file, open_image(disk, folder, layout.length));
    SLUICE_CHECK(disk.sync_directory(folder));
    return std::unique_ptr<PieceStore>(
        new PieceStore(disk, std::move(folder), id, layout, limits, std::move(file)));
}

PieceStore::PieceStore(disk::Disk& disk, std::string folder, const image::ImageId& id,
                       const image::PieceLayout& layout, const StoreLimits& limits,
                       std::unique_ptr<disk::File> file)
    : disk_(disk),
      folder_(std::move(folder)),
      id_(id),
      layout_(layout),
      limits_(limits),
      file_(std::move(file)),
      written_(layout.piece_count()) {}

PieceStore::~PieceStore() = default;

Result<PieceSet> PieceStore::resume(const image::PieceLayer& layer) {
    assert(layer.layout() == layout_);
    // A process that was killed leaves pieces in the page cache that no power cut has tested yet.
    if (auto synced = file_->sync_data(); !synced) {
        (void)disk_.remove_file(image_path());
        const std::lock_guard lock(mutex_);
        return fail(synced.error());
    }
    PieceSet proved(layout_.piece_count());
    Bytes buffer(layout_.piece_length);
    std::uint64_t data_at = 0;
    for (PieceIndex piece{0}; piece.value < layout_.piece_count(); ++piece.value) {
        const auto begin = layout_.offset_of(piece);
        const auto size = layout_.size_of(piece);
        if (data_at < begin) {
            SLUICE_TRY(data_at, file_->next_data(begin));
        }
        if (data_at >= begin + size) continue;
        const std::span<std::uint8_t> bytes(buffer.data(), size);
        // What cannot be read is not there: it is fetched and written again.
        const auto got = file_->pread(begin, bytes);
        if (got && got.value() == size && layer.is_verified(piece, bytes)) proved.insert(piece);
    }
    {
        const std::lock_guard lock(mutex_);
        written_ = proved;
        durable_count_.store(proved.count(), std::memory_order_release);
    }
    SLUICE_CHECK(take_up_started(layer, proved));
    return proved;
}

Result<void> PieceStore::take_up_started(const image::PieceLayer& layer, PieceSet& proved) {
    started_ = read_started_pieces(disk_, started_path(), layout_);
    const auto count = proved.count();
    for (auto it = started_.begin(); it != started_.end();) {
        const auto& [piece, bytes] = *it;
        const bool is_whole = bytes.size() == layout_.size_of(piece);
        if (is_whole && !proved.contains(piece) && layer.is_verified(piece, bytes)) {
            SLUICE_CHECK(write_piece(piece, bytes));
            proved.insert(piece);
        }
        it = is_whole || proved.contains(piece) ? started_.erase(it) : std::next(it);
    }
    if (proved.count() > count) SLUICE_CHECK(sync());
    return success();
}

Result<void> PieceStore::save_layer(ByteView raw) {
    SLUICE_CHECK(disk::write_small_file(disk_, folder_, kLayerFile, raw));
    return success();
}

Result<void> PieceStore::save_manifest(ByteView envelope) {
    SLUICE_CHECK(disk::write_small_file(disk_, folder_, kManifestFile, envelope));
    return success();
}

std::optional<Bytes> PieceStore::load_layer() const {
    const std::size_t size = std::size_t{layout_.piece_count()} * sizeof(image::Digest);
    auto raw = disk::read_small_file(disk_, folder_ + "/" + kLayerFile, size);
    if (!raw || raw.value().size() != size) return std::nullopt;
    return std::move(raw).value();
}

std::optional<Bytes> PieceStore::load_manifest() const {
    auto envelope = disk::read_small_file(disk_, folder_ + "/" + kManifestFile, kMaxManifestBytes);
    if (!envelope || envelope.value().empty()) return std::nullopt;
    return std::move(envelope).value();
}

Result<void> PieceStore::mark_used(UtcTime now) {
    SLUICE_CHECK(disk_.set_modified(folder_, now));
    return success();
}

Result<void> PieceStore::write_piece(PieceIndex piece, ByteView bytes) {
    assert(piece.value < layout_.piece_count() && bytes.size() == layout_.size_of(piece));
    SLUICE_CHECK(wait_for_room(static_cast<std::uint32_t>(bytes.size())));
    {
        const std::lock_guard lock(mutex_);
        if (written_.contains(piece)) return success();
    }
    auto written = file_->pwrite(layout_.offset_of(piece), bytes);
    const std::lock_guard lock(mutex_);
    if (!written) return fail(written.error());
    if (unsynced_.empty()) unsynced_since_ = Clock::now();
    written_.insert(piece);
    unsynced_.push_back(piece);
    unsynced_bytes_ += bytes.size();
    changed_.notify_all();
    return success();
}

Result<void> PieceStore::keep_block(std::uint64_t offset, ByteView bytes) {
    {
        const std::lock_guard lock(mutex_);
        if (failure_) return *failure_;
        if (written_.contains(layout_.piece_at(offset))) return success();
    }
    SLUICE_CHECK(file_->pwrite(offset, bytes));
    return success();
}

Result<void> PieceStore::read_bytes(std::uint64_t offset, std::span<std::uint8_t> into) const {
    SLUICE_TRY(const auto got, file_->pread(offset, into));
    if (got != into.size()) return Error{image_path() + ": ends early"};
    return success();
}

Result<void> PieceStore::wait_for_room(std::uint32_t bytes) {
    std::unique_lock lock(mutex_);
    for (;;) {
        if (failure_) return *failure_;
        const auto held = unsynced_bytes_ + syncing_bytes_;
        // The piece that will wait in hand while this one is not durable counts too.
        if (held == 0 || held + bytes + layout_.piece_length <= limits_.window_bytes)
            return success();
        if (is_syncing_) {
            changed_.wait(lock);
        } else {
            lock.unlock();
            SLUICE_CHECK(sync());
            lock.lock();
        }
    }
}

Result<void> PieceStore::sync() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !is_syncing_; });
    if (failure_) return *failure_;
    if (unsynced_.empty()) return success();
    const auto pieces = static_cast<std::uint32_t>(unsynced_.size());
    unsynced_.clear();
    syncing_bytes_ = std::exchange(unsynced_bytes_, 0);
    is_syncing_ = true;

    lock.unlock();
    auto synced = file_->sync_data();
    // The kernel may have dropped those pages and marked them clean: reading them back, now or in
    // the next process, would prove nothing. Better to fetch again.
    if (!synced) (void)disk_.remove_file(image_path());
    lock.lock();

    is_syncing_ = false;
    syncing_bytes_ = 0;
    changed_.notify_all();
    if (!synced) return fail(synced.error());
    durable_count_.fetch_add(pieces, std::memory_order_acq_rel);
    return success();
}

bool PieceStore::wait_until_due() {
    std::unique_lock lock(mutex_);
    for (;;) {
        if (is_stopped_ || failure_) return false;
        if (unsynced_bytes_ >= limits_.batch_bytes) return true;
        if (unsynced_.empty()) {
            changed_.wait(lock);
            continue;
        }
        const auto due = unsynced_since_ + limits_.batch_time;
        if (Clock::now() >= due) return true;
        changed_.wait_until(lock, due);
    }
}

void PieceStore::stop_waiting() {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
    changed_.notify_all();
}

std::uint64_t PieceStore::unsynced_bytes() const {
    const std::lock_guard lock(mutex_);
    return unsynced_bytes_ + syncing_bytes_;
}

// The mutex is held.
Error PieceStore::fail(const Error& why) {
    if (!failure_) failure_ = why;
    changed_.notify_all();
    return *failure_;
}

}  // namespace sluice::agent
