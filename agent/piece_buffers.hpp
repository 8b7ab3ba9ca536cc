#pragma once
// Memory for pieces on their way from a socket to the store: a few buffers of one piece each,
// made when first needed, used again, never more than the limit. Who gets none stops reading, and
// TCP slows the source down. I/O thread only.
//
// The memory is a file where that can be had (disk/scratch.hpp): what an agent had of its pieces
// when it was killed is found by its next life (started_pieces.hpp), and by the one after that if
// the next one never got as far as asking for the rest.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/disk/scratch.hpp"
#include "agent/started_pieces.hpp"
#include "engine/base/strong.hpp"

namespace sluice::agent {

// Of a scratch file the memory stays where it is.
struct PieceFreer {
    bool is_heap = false;
    void operator()(std::uint8_t* bytes) const {
        if (is_heap) delete[] bytes;
    }
};

class PieceBuffers {
public:
    using Buffer = std::unique_ptr<std::uint8_t[], PieceFreer>;
    // A piece that an earlier life began; no buffer: there is none of it.
    struct Begun {
        Buffer buffer;
        std::size_t filled = 0;
    };

    // `path`: of the scratch file; empty: none. `begun`: what the one that is there now holds. All
    // buffers come back, or are forgotten, before this goes.
    PieceBuffers(std::size_t piece_length, std::size_t limit, const std::string& path = {},
                 const StartedPieces& begun = {});

    // For a piece of which nothing is there. Null when all are out; begun pieces that nobody asked
    // for make room.
    Buffer take(PieceIndex piece);
    Begun take_begun(PieceIndex piece);
    void give_back(Buffer buffer);
    // Somebody asks for the rest another time.
    void keep_begun(PieceIndex piece, Begun begun);
    // The first `filled` bytes of the piece are there now.
    void note(const Buffer& buffer, PieceIndex piece, std::size_t filled);
    // Every piece is in the store: nothing is left to be found.
    void leave_nothing() {
        if (scratch_) scratch_->remove();
    }

private:
    void make_scratch(const std::string& path);
    Buffer any();
    Buffer make();
    std::uint8_t* slot_of(const std::uint8_t* bytes) const;

    std::size_t piece_length_;
    std::size_t limit_;
    std::unique_ptr<disk::Scratch> scratch_;
    std::size_t made_ = 0;
    std::vector<Buffer> free_;
    std::map<PieceIndex, Begun> begun_;
};

}  // namespace sluice::agent
