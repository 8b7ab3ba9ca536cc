#pragma once
// What the swarm brings, between its blocks and the store: blocks are gathered, a whole piece is
// hashed on the worker, held against the proved layer and written, and only then is it in the set
// of verified pieces. Stands behind libtorrent's disk_interface (store_disk.hpp) and knows nothing
// of libtorrent.
//
// Blocks wait in memory up to a limit; pieces that begin above it wait in the store's file, where
// nobody reads them before they are proved.
//
// I/O thread, but for what it posts to the worker. Handlers may outlive their asker: after close()
// none is called.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/piece_store.hpp"
#include "agent/worker.hpp"
#include "engine/base/piece_set.hpp"
#include "engine/image/merkle.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::agent::swarm {

class IncomingPieces : public std::enable_shared_from_this<IncomingPieces> {
public:
    struct Parts {
        boost::asio::io_context& io;
        Worker& worker;
        PieceStore& store;
        std::shared_ptr<const image::PieceLayer> layer;
        PieceSet& verified;
    };
    struct Verdict {
        std::vector<image::Digest> leaves;  // of what was hashed; empty: nothing could be read
        bool is_right = false;
        bool is_new = false;      // right, written, and not in `verified` before
        std::string store_error;  // not empty: nothing more can be kept
    };

    IncomingPieces(const Parts& parts, std::uint64_t memory_bytes)
        : parts_(parts), memory_bytes_(memory_bytes) {}

    const image::PieceLayout& layout() const { return parts_.store.layout(); }
    bool is_verified(PieceIndex piece) const { return parts_.verified.contains(piece); }
    bool is_whole() const { return parts_.verified.count() == parts_.verified.size(); }

    // Takes a copy. Of a piece that is verified already nothing is kept, nor what is behind the
    // image's end: libtorrent's last block is as long as any, filled up with zeros.
    void keep(PieceIndex piece, std::uint32_t offset, ByteView bytes);
    // All blocks of the piece were kept, or it is verified. `then` on the I/O thread.
    void judge(PieceIndex piece, std::function<void(const Verdict&)> then);
    // What was kept of it is wrong, or not wanted any more.
    void forget(PieceIndex piece);
    // One leaf of a piece that was kept or is verified; nothing when it cannot be read.
    void hash_leaf(PieceIndex piece, std::uint32_t offset,
                   std::function<void(const image::Digest*)> then);
    // Bytes of one verified piece, out of the page cache as a rule; zeros behind the image's end.
    bool read(PieceIndex piece, std::uint32_t offset, std::span<std::uint8_t> into) const;

    std::uint64_t memory_in_use() const { return in_memory_; }
    void close() { is_closed_ = true; }
    bool is_closed() const { return is_closed_; }

private:
    using Memory = std::shared_ptr<std::uint8_t[]>;  // a piece's worth; null: in the file
    struct Job;

    Bytes read_whole(PieceIndex piece) const;
    Verdict judge_on_worker(PieceIndex piece, const Memory& kept, bool was_verified) const;

    const Parts parts_;
    const std::uint64_t memory_bytes_;
    std::uint64_t in_memory_ = 0;
    std::unordered_map<std::uint32_t, Memory> gathering_;  // by piece
    bool is_closed_ = false;
};

}  // namespace sluice::agent::swarm
