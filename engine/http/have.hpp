#pragma once
// The body of a `have` answer (DESIGN §5): u32 BE boot id, u32 BE count of pieces present, then the
// bitmap. A serving device writes it; a fetching one reads which pieces its source can give, and
// that the source is alive.

#include <cstdint>
#include <optional>

#include "engine/base/bytes.hpp"
#include "engine/base/piece_set.hpp"

namespace sluice::http {

struct HaveAnswer {
    std::uint32_t boot_id = 0;  // changes when the source restarts: its count may have shrunk
    PieceSet pieces;

    friend bool operator==(const HaveAnswer&, const HaveAnswer&) = default;
};

// What a `have` body of an image of `piece_count` pieces measures.
constexpr std::size_t have_size(std::uint32_t piece_count) {
    return 8 + (std::size_t{piece_count} + 7) / 8;
}

Bytes encode_have(std::uint32_t boot_id, const PieceSet& pieces);

// Nothing unless the length is exact, spare bits are 0 and the count is that of the bits.
std::optional<HaveAnswer> decode_have(ByteView body, std::uint32_t piece_count);

}  // namespace sluice::http
