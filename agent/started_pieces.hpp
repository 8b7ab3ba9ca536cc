#pragma once
// Pieces that had begun to come when an agent was killed: its buffers' file (piece_buffers.hpp),
// read by the next life before it makes its own. Unproved, all of it.
//
//     u64 magic | 10 x { u32 piece, u32 bytes of it that are there, at least } | 10 x piece_length
//
// in the machine's own byte order: it never leaves the machine. A place is zeros when its piece
// begins: what is not zero came, also what nobody had the time to note.

#include <cstdint>
#include <map>
#include <string>

#include "agent/disk/disk.hpp"
#include "engine/base/strong.hpp"
#include "engine/image/piece_layout.hpp"

namespace sluice::agent {

inline constexpr std::uint32_t kNoPiece = ~std::uint32_t{0};

struct StartedSlot {
    std::uint32_t piece = kNoPiece;
    std::uint32_t bytes = 0;
};

inline constexpr std::uint64_t kStartedMagic = 0x32'50'41'54'53'4c'53'0aULL;
inline constexpr std::size_t kStartedSlots = 10;
inline constexpr std::size_t kStartedHead = 4096;  // a page; pieces follow
static_assert(sizeof kStartedMagic + kStartedSlots * sizeof(StartedSlot) <= kStartedHead);

using StartedPieces = std::map<PieceIndex, Bytes>;  // their first bytes

// The longest of each; nothing when there is no such file, or it is another layout's.
StartedPieces read_started_pieces(disk::Disk& disk, const std::string& path,
                                  const image::PieceLayout& layout);

}  // namespace sluice::agent
