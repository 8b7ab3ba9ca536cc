#include "agent/piece_buffers.hpp"

#include <algorithm>
#include <cstring>

#include "agent/started_pieces.hpp"

namespace sluice::agent {

PieceBuffers::PieceBuffers(std::size_t piece_length, std::size_t limit, const std::string& path)
    : piece_length_(piece_length), limit_(std::min(limit, kStartedSlots)) {
    if (path.empty()) return;
    scratch_ = disk::Scratch::make(path, kStartedHead + kStartedSlots * piece_length);
    if (!scratch_) return;
    const auto magic = kStartedMagic + piece_length;
    std::memcpy(scratch_->bytes().data(), &magic, sizeof magic);
}

PieceBuffers::Buffer PieceBuffers::take() {
    if (!free_.empty()) {
        auto buffer = std::move(free_.back());
        free_.pop_back();
        return buffer;
    }
    if (made_ == limit_) return nullptr;
    const auto number = made_++;
    if (!scratch_) return Buffer(new std::uint8_t[piece_length_], Freer{true});
    return Buffer(scratch_->bytes().data() + kStartedHead + number * piece_length_, Freer{false});
}

void PieceBuffers::give_back(Buffer buffer) {
    if (!buffer) return;
    note(buffer, {}, 0);
    free_.push_back(std::move(buffer));
}

void PieceBuffers::note(const Buffer& buffer, PieceIndex piece, std::size_t filled) {
    if (!scratch_) return;
    const StartedSlot slot{piece.value, static_cast<std::uint32_t>(filled)};
    std::memcpy(slot_of(buffer.get()), &slot, sizeof slot);
}

std::uint8_t* PieceBuffers::slot_of(const std::uint8_t* bytes) const {
    const auto begin = scratch_->bytes().data();
    const auto number = static_cast<std::size_t>(bytes - begin - kStartedHead) / piece_length_;
    return begin + sizeof kStartedMagic + number * sizeof(StartedSlot);
}

}  // namespace sluice::agent
