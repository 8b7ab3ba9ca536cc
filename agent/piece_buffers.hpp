#pragma once
// Memory for pieces on their way from a socket to the store: a few buffers of one piece each,
// made when first needed, used again, never more than the limit. Who gets none stops reading, and
// TCP slows the source down. I/O thread only.
//
// The memory is a file where that can be had (disk/scratch.hpp): what an agent had of its pieces
// when it was killed is found by its next life (started_pieces.hpp).

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/disk/scratch.hpp"
#include "engine/base/strong.hpp"

namespace sluice::agent {

class PieceBuffers {
public:
    // Of a scratch file the memory stays where it is.
    struct Freer {
        bool is_heap = false;
        void operator()(std::uint8_t* bytes) const {
            if (is_heap) delete[] bytes;
        }
    };
    using Buffer = std::unique_ptr<std::uint8_t[], Freer>;

    // `path`: of the scratch file; empty: none. All buffers come back, or are forgotten, before
    // this goes.
    PieceBuffers(std::size_t piece_length, std::size_t limit, const std::string& path = {});

    // Null when all are out.
    Buffer take();
    void give_back(Buffer buffer);
    // The first `filled` bytes of the piece are there now.
    void note(const Buffer& buffer, PieceIndex piece, std::size_t filled);
    // Every piece is in the store: nothing is left to be found.
    void leave_nothing() {
        if (scratch_) scratch_->remove();
    }

private:
    std::uint8_t* slot_of(const std::uint8_t* bytes) const;

    std::size_t piece_length_;
    std::size_t limit_;
    std::unique_ptr<disk::Scratch> scratch_;
    std::size_t made_ = 0;
    std::vector<Buffer> free_;
};

}  // namespace sluice::agent
