#include "agent/started_pieces.hpp"

#include <array>
#include <cstring>

namespace sluice::agent {

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
        if (slot.bytes == 0 || slot.piece >= layout.piece_count()) continue;
        if (slot.bytes > layout.size_of(piece)) continue;
        if (const auto known = out.find(piece);
            known != out.end() && known->second.size() >= slot.bytes)
            continue;
        Bytes bytes(slot.bytes);
        const auto read =
            file.value()->pread(kStartedHead + s * std::uint64_t{layout.piece_length}, bytes);
        if (read && read.value() == bytes.size()) out[piece] = std::move(bytes);
    }
    return out;
}

}  // namespace sluice::agent
