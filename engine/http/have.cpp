#include "engine/http/have.hpp"

namespace sluice::http {
namespace {

void put_u32(Bytes& out, std::uint32_t value) {
    for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

std::uint32_t get_u32(ByteView in) {
    return std::uint32_t{in[0]} << 24 | std::uint32_t{in[1]} << 16 | std::uint32_t{in[2]} << 8 |
           in[3];
}

}  // namespace

Bytes encode_have(std::uint32_t boot_id, const PieceSet& pieces) {
    Bytes out;
    out.reserve(have_size(pieces.size()));
    put_u32(out, boot_id);
    put_u32(out, pieces.count());
    const auto bitmap = pieces.to_bitmap();
    out.insert(out.end(), bitmap.begin(), bitmap.end());
    return out;
}

std::optional<HaveAnswer> decode_have(ByteView body, std::uint32_t piece_count) {
    if (body.size() != have_size(piece_count)) return std::nullopt;
    auto pieces = PieceSet::from_bitmap(body.subspan(8), piece_count);
    if (!pieces || pieces->count() != get_u32(body.subspan(4))) return std::nullopt;
    return HaveAnswer{get_u32(body), std::move(*pieces)};
}

}  // namespace sluice::http
