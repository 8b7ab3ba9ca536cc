#include "agent/swarm/incoming_pieces.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace sluice::agent::swarm {

void IncomingPieces::keep(PieceIndex piece, std::uint32_t offset, ByteView bytes) {
    const auto size = layout().size_of(piece);
    if (is_verified(piece) || offset >= size) return;
    bytes = bytes.first(std::min<std::size_t>(bytes.size(), size - offset));
    auto at = gathering_.find(piece.value);
    if (at == gathering_.end()) {
        Memory memory;
        if (in_memory_ + layout().piece_length <= memory_bytes_) {
            memory.reset(new std::uint8_t[layout().piece_length]);
            in_memory_ += layout().piece_length;
        }
        at = gathering_.emplace(piece.value, std::move(memory)).first;
    }
    if (const auto& memory = at->second) {
        std::copy(bytes.begin(), bytes.end(), memory.get() + offset);
        return;
    }
    // An error shows when the piece is judged: what is not there proves nothing.
    parts_.worker.post([self = shared_from_this(), at = layout().offset_of(piece) + offset,
                        copy = Bytes(bytes.begin(), bytes.end())] {
        (void)self->parts_.store.keep_block(at, copy);
    });
}

void IncomingPieces::forget(PieceIndex piece) {
    const auto at = gathering_.find(piece.value);
    if (at == gathering_.end()) return;
    if (at->second) in_memory_ -= layout().piece_length;
    gathering_.erase(at);
}

Bytes IncomingPieces::read_whole(PieceIndex piece) const {
    Bytes bytes(layout().size_of(piece));
    const auto got = parts_.store.read_bytes(layout().offset_of(piece), bytes);
    return got ? bytes : Bytes{};
}

// The one place where a piece of the swarm's is verified.
IncomingPieces::Verdict IncomingPieces::judge_on_worker(PieceIndex piece, const Memory& kept,
                                                        bool was_verified) const {
    Verdict verdict;
    Bytes from_file;
    if (!kept) from_file = read_whole(piece);
    const ByteView bytes =
        kept ? ByteView(kept.get(), layout().size_of(piece)) : ByteView(from_file);
    if (bytes.empty()) return verdict;
    verdict.leaves = image::hash_leaves(bytes);
    verdict.is_right =
        image::piece_digest(layout(), verdict.leaves) == parts_.layer->digest_of(piece);
    if (!verdict.is_right || was_verified) return verdict;
    if (auto written = parts_.store.write_piece(piece, bytes); !written) {
        verdict.store_error = written.error().message;
    } else {
        verdict.is_new = true;
    }
    return verdict;
}

void IncomingPieces::judge(PieceIndex piece, std::function<void(const Verdict&)> then) {
    const bool was_verified = is_verified(piece);
    const auto at = gathering_.find(piece.value);
    const Memory kept = at == gathering_.end() || was_verified ? Memory{} : at->second;
    parts_.worker.post(
        [self = shared_from_this(), piece, kept, was_verified, then = std::move(then)]() mutable {
            auto verdict = self->judge_on_worker(piece, kept, was_verified);
            boost::asio::post(self->parts_.io, [self, piece, verdict = std::move(verdict),
                                                then = std::move(then)]() mutable {
                if (self->is_closed_) return;
                if (verdict.is_new) verdict.is_new = self->parts_.verified.insert(piece);
                if (verdict.is_right) self->forget(piece);
                then(verdict);
            });
        });
}

void IncomingPieces::hash_leaf(PieceIndex piece, std::uint32_t offset,
                               std::function<void(const image::Digest*)> then) {
    const auto at = gathering_.find(piece.value);
    const Memory kept = at == gathering_.end() || is_verified(piece) ? Memory{} : at->second;
    parts_.worker.post([self = shared_from_this(), piece, offset, kept, then = std::move(then)] {
        const auto& layout = self->layout();
        const auto size = std::min<std::size_t>(image::kLeafLength, layout.size_of(piece) - offset);
        Bytes leaf(size);
        bool is_there = true;
        if (kept) {
            std::copy_n(kept.get() + offset, size, leaf.begin());
        } else {
            const auto begin = layout.offset_of(piece) + offset;
            is_there = self->parts_.store.read_bytes(begin, leaf).has_value();
        }
        const auto digest = is_there ? image::sha256(leaf) : image::Digest{};
        boost::asio::post(self->parts_.io, [self, is_there, digest, then] {
            if (!self->is_closed_) then(is_there ? &digest : nullptr);
        });
    });
}

bool IncomingPieces::read(PieceIndex piece, std::uint32_t offset,
                          std::span<std::uint8_t> into) const {
    const auto size = layout().size_of(piece);
    if (!is_verified(piece) || offset >= size) return false;
    const auto there = into.first(std::min<std::size_t>(into.size(), size - offset));
    std::fill(into.begin() + static_cast<std::ptrdiff_t>(there.size()), into.end(), 0);
    return parts_.store.read_bytes(layout().offset_of(piece) + offset, there).has_value();
}

}  // namespace sluice::agent::swarm
