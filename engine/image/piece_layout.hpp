#pragma once
// How an image of `length` bytes falls into pieces. Every offset that goes over the wire or onto
// the disk comes from here.

#include <cstdint>

#include "engine/base/strong.hpp"

namespace sluice::image {

inline constexpr std::uint32_t kLeafLength = 16 * 1024;  // BEP 52
inline constexpr std::uint32_t kMinPieceLength = kLeafLength;
inline constexpr std::uint32_t kMaxPieceLength = 1024 * 1024;
// 4 GiB: far above any gateway's flash; keeps piece counts and layers small (≤ 8 MiB at 16 KiB).
inline constexpr std::uint64_t kMaxImageLength = std::uint64_t{4} << 30;

struct PieceLayout {
    std::uint64_t length = 0;        // bytes, > 0
    std::uint32_t piece_length = 0;  // power of two, kMinPieceLength to kMaxPieceLength

    constexpr std::uint32_t piece_count() const {
        return static_cast<std::uint32_t>((length + piece_length - 1) / piece_length);
    }
    constexpr std::uint64_t offset_of(PieceIndex p) const {
        return std::uint64_t{p.value} * piece_length;
    }
    constexpr std::uint32_t size_of(PieceIndex p) const {
        const auto rest = length - offset_of(p);
        return rest < piece_length ? static_cast<std::uint32_t>(rest) : piece_length;
    }
    constexpr PieceIndex piece_at(std::uint64_t offset) const {
        return PieceIndex{static_cast<std::uint32_t>(offset / piece_length)};
    }
    // Bytes of the pieces [first, first+count).
    constexpr std::uint64_t bytes_of(PieceIndex first, std::uint32_t count) const {
        const auto end = std::uint64_t{first.value + count} * piece_length;
        return (end < length ? end : length) - offset_of(first);
    }
    friend constexpr bool operator==(const PieceLayout&, const PieceLayout&) = default;
};

// Whether length and piece_length are ones that this project makes and accepts.
constexpr bool is_valid(const PieceLayout& layout) {
    return layout.length > 0 && layout.length <= kMaxImageLength &&
           layout.piece_length >= kMinPieceLength && layout.piece_length <= kMaxPieceLength &&
           (layout.piece_length & (layout.piece_length - 1)) == 0;
}

// 256 to 511 pieces where the limits allow it.
constexpr std::uint32_t default_piece_length(std::uint64_t length) {
    std::uint32_t piece = kMinPieceLength;
    while (piece < kMaxPieceLength && (length + piece - 1) / piece > 511) piece *= 2;
    return piece;
}

}  // namespace sluice::image
