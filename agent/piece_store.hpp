#pragma once
// One image on this device, from its first piece to its last day: what the fetcher fills, the peer
// server sends from, and the installer copies. A folder for each image under a root:
//
//     <root>/<64 hex of the image id>/image.bin   the bytes, sparse until they are there
//                                     layer       the raw piece layer, proved before it was saved
//                                     manifest    the signed envelope, byte for byte
//                                     started     memory of pieces on their way (piece_buffers.hpp)
//
// No journal: what is there is what a re-hash proves. Which pieces are *verified* is the shell's
// PieceSet on the I/O thread; the store knows which are *durable*. At most `window_bytes` of
// written pieces are ever not durable: that much a power cut can cost (DESIGN §4).
//
// Threads: open, resume, save_*, write_piece, mark_used on the worker. sync on the worker or on a
// thread of its own (sync_thread.hpp), beside write_piece. durable_count, fd, layout on any thread.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/disk/disk.hpp"
#include "agent/started_pieces.hpp"
#include "engine/base/piece_set.hpp"
#include "engine/image/digest.hpp"
#include "engine/image/merkle.hpp"
#include "engine/image/piece_layout.hpp"

namespace sluice::agent {

struct StoreLimits {
    // Written and not yet durable, and the piece in the worker's hand, at most. A write that would
    // pass it waits for a sync.
    std::uint64_t window_bytes = std::uint64_t{4} << 20;
    // A sync is wanted at this much, or this long after the first unsynced write. Half a window:
    // the second half is written while the first is being synced.
    std::uint64_t batch_bytes = std::uint64_t{2} << 20;
    Duration batch_time = std::chrono::seconds(1);
};

class PieceStore {
public:
    // Makes the folder (durably) and image.bin at its full length, room reserved where the file
    // system can; a full disk is an error here rather than in the middle. `root` exists.
    static Result<std::unique_ptr<PieceStore>> open(disk::Disk& disk, const std::string& root,
                                                    const image::ImageId& id,
                                                    const image::PieceLayout& layout,
                                                    const StoreLimits& limits = {});
    ~PieceStore();
    PieceStore(const PieceStore&) = delete;
    PieceStore& operator=(const PieceStore&) = delete;

    // Re-hashes what is there; holes are skipped unread. Pieces that had come when an agent was
    // killed and were not written are written now. Every piece it names is durable. Call once,
    // before the first write_piece.
    Result<PieceSet> resume(const image::PieceLayer& layer);
    // The first bytes of the pieces that resume() found in part; once. After resume(), on the
    // thread that fetches.
    StartedPieces take_started() { return std::exchange(started_, {}); }
    std::string started_path() const { return folder_ + "/started"; }

    // Durable when they return. Save only what was proved: the layer before the first piece.
    Result<void> save_layer(ByteView raw);
    Result<void> save_manifest(ByteView envelope);
    // Nothing when there is none, or none of a possible size. Unproved: prove it as if it came
    // from a peer.
    std::optional<Bytes> load_layer() const;
    std::optional<Bytes> load_manifest() const;

    // `bytes` are the verified bytes of the piece, all of them. When it returns they can be served;
    // say PieceProved then and not before. Waits, or syncs itself, when the window is full. After
    // an error the store takes no more writes (disk full, a failed sync): StoreFailed.
    Result<void> write_piece(PieceIndex piece, ByteView bytes);

    // A part of a piece that is not whole, kept here for want of memory: nobody vouches for it, and
    // it is neither served nor counted. Bytes of a piece that is written stay as they are. On the
    // worker.
    Result<void> keep_block(std::uint64_t offset, ByteView bytes);
    // What is there; who asks knows what of it is proved. Any thread.
    Result<void> read_bytes(std::uint64_t offset, std::span<std::uint8_t> into) const;

    // Makes durable what was written before the call.
    Result<void> sync();
    // Blocks until a batch is due by StoreLimits; false once stop_waiting was called or the store
    // has failed.
    bool wait_until_due();
    void stop_waiting();
    std::uint64_t unsynced_bytes() const;  // written, not durable
    std::uint32_t durable_count() const { return durable_count_.load(std::memory_order_acquire); }
    // Remembers when the image was last of use, for eviction (retention.hpp).
    Result<void> mark_used(UtcTime now);
    // Every piece is durable: may be installed, and reported to the ACS.
    bool is_complete() const { return durable_count() == layout_.piece_count(); }

    const image::PieceLayout& layout() const { return layout_; }
    const image::ImageId& id() const { return id_; }
    // For sendfile: verified pieces only. -1 on a disk without descriptors.
    int fd() const { return file_->fd(); }
    const disk::File& file() const { return *file_; }
    std::string image_path() const { return folder_ + "/image.bin"; }

private:
    PieceStore(disk::Disk& disk, std::string folder, const image::ImageId& id,
               const image::PieceLayout& layout, const StoreLimits& limits,
               std::unique_ptr<disk::File> file);
    Result<void> wait_for_room(std::uint32_t bytes);
    Error fail(const Error& why);

    Result<void> take_up_started(const image::PieceLayer& layer, PieceSet& proved);

    using Clock = std::chrono::steady_clock;

    disk::Disk& disk_;
    const std::string folder_;
    const image::ImageId id_;
    const image::PieceLayout layout_;
    const StoreLimits limits_;
    const std::unique_ptr<disk::File> file_;
    StartedPieces started_;

    mutable std::mutex mutex_;  // of what follows
    std::condition_variable changed_;
    std::vector<PieceIndex> unsynced_;  // written, no sync begun
    std::uint64_t unsynced_bytes_ = 0;
    Clock::time_point unsynced_since_;
    std::uint64_t syncing_bytes_ = 0;  // in the running sync
    bool is_syncing_ = false;
    bool is_stopped_ = false;
    std::optional<Error> failure_;  // sticky
    PieceSet written_;              // durable ones included
    std::atomic<std::uint32_t> durable_count_{0};
};

}  // namespace sluice::agent
