#pragma once
// Memory for pieces on their way from a socket to the store: a few buffers of one piece each,
// made when first needed, used again, never more than the limit. Who gets none stops reading, and
// TCP slows the source down. I/O thread only.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace sluice::agent {

class PieceBuffers {
public:
    using Buffer = std::unique_ptr<std::uint8_t[]>;

    PieceBuffers(std::size_t piece_length, std::size_t limit)
        : piece_length_(piece_length), limit_(limit) {}

    // Null when all are out.
    Buffer take() {
        if (!free_.empty()) {
            auto buffer = std::move(free_.back());
            free_.pop_back();
            return buffer;
        }
        if (made_ == limit_) return nullptr;
        ++made_;
        return Buffer(new std::uint8_t[piece_length_]);
    }
    void give_back(Buffer buffer) {
        if (buffer) free_.push_back(std::move(buffer));
    }

private:
    std::size_t piece_length_;
    std::size_t limit_;
    std::size_t made_ = 0;
    std::vector<Buffer> free_;
};

}  // namespace sluice::agent
