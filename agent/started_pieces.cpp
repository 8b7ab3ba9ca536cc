#include "agent/started_pieces.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace sluice::agent {
namespace {

// A kill may fall between bytes and their note.
std::size_t count_of(const Bytes& bytes, std::size_t noted) {
    const auto last =
        std::find_if(bytes.rbegin(), bytes.rend(), [](std::uint8_t byte) { return byte != 0; });
    return std::max(noted, static_cast<std::size_t>(bytes.rend() - last));
}

}  // namespace

StartedPieces read_started_pieces(disk::Disk& disk, const std::string& path,
                                  const image::PieceLayout& layout) {
    StartedPieces out;
    const auto file = disk.open(path, disk::Open::read);
    if (!file) return out;
    std::array<std::uint8_t, kStartedHead> head;
    const auto got = file.value()->pread(0, head);
    std::uint64_t magic = 0;
    std::memcpy(&magic, head.data(), sizeof magic);
    if (!got || got.value() != head.size() || magic != kStartedMagic + layout.piece_length)
        return out;
    for (std::size_t s = 0; s < kStartedSlots; ++s) {
        StartedSlot slot;
        std::memcpy(&slot, head.data() + sizeof magic + s * sizeof slot, sizeof slot);
        const PieceIndex piece{slot.piece};
        if (slot.piece >= layout.piece_count()) continue;
        Bytes bytes(layout.size_of(piece));
        if (slot.bytes > bytes.size()) continue;
        const auto read =
            file.value()->pread(kStartedHead + s * std::uint64_t{layout.piece_length}, bytes);
        if (!read || read.value() != bytes.size()) continue;
        bytes.resize(count_of(bytes, slot.bytes));
        if (bytes.empty()) continue;
        auto& longest = out[piece];
        if (longest.size() < bytes.size()) longest = std::move(bytes);
    }
    return out;
}

}  // namespace sluice::agent
