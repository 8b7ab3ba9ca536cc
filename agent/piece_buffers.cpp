#include "agent/piece_buffers.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace sluice::agent {

PieceBuffers::PieceBuffers(std::size_t piece_length, std::size_t limit, const std::string& path,
                           const StartedPieces& begun)
    : piece_length_(piece_length), limit_(std::min(limit, kStartedSlots)) {
    if (!path.empty()) make_scratch(path);
    for (const auto& [piece, bytes] : begun) {
        auto buffer = take(piece);
        if (!buffer) break;
        std::copy(bytes.begin(), bytes.end(), buffer.get());
        note(buffer, piece, bytes.size());
        keep_begun(piece, {std::move(buffer), bytes.size()});
    }
    if (scratch_) scratch_->publish();
}

void PieceBuffers::make_scratch(const std::string& path) {
    scratch_ = disk::Scratch::make(path, kStartedHead + kStartedSlots * piece_length_);
    if (!scratch_) return;
    auto* to = scratch_->bytes().data();
    const auto magic = kStartedMagic + piece_length_;
    std::memcpy(to, &magic, sizeof magic);
    const StartedSlot none;
    for (std::size_t s = 0; s < kStartedSlots; ++s)
        std::memcpy(to + sizeof magic + s * sizeof none, &none, sizeof none);
}

PieceBuffers::Buffer PieceBuffers::make() {
    const auto number = made_++;
    if (!scratch_) return Buffer(new std::uint8_t[piece_length_], PieceFreer{true});
    return Buffer(scratch_->bytes().data() + kStartedHead + number * piece_length_,
                  PieceFreer{false});
}

PieceBuffers::Buffer PieceBuffers::any() {
    if (free_.empty() && made_ < limit_) return make();
    if (free_.empty() && !begun_.empty())
        give_back(std::move(begun_.extract(begun_.begin()).mapped().buffer));
    if (free_.empty()) return nullptr;
    auto buffer = std::move(free_.back());
    free_.pop_back();
    return buffer;
}

PieceBuffers::Buffer PieceBuffers::take(PieceIndex piece) {
    auto buffer = any();
    if (!buffer || !scratch_) return buffer;
    std::memset(buffer.get(), 0, piece_length_);
    // Whoever finds the name finds the zeros.
    std::atomic_signal_fence(std::memory_order_release);
    note(buffer, piece, 0);
    return buffer;
}

PieceBuffers::Begun PieceBuffers::take_begun(PieceIndex piece) {
    auto found = begun_.extract(piece);
    return found.empty() ? Begun{} : std::move(found.mapped());
}

void PieceBuffers::keep_begun(PieceIndex piece, Begun begun) {
    const auto [at, is_first] = begun_.try_emplace(piece);
    if (!is_first) return give_back(std::move(begun.buffer));
    at->second = std::move(begun);
}

void PieceBuffers::give_back(Buffer buffer) {
    if (!buffer) return;
    note(buffer, PieceIndex{kNoPiece}, 0);
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
