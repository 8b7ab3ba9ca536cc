// A piece layer from a peer, for a manifest that says anything at all. Input: one byte (log2 of the
// piece length), eight bytes of image length, little endian, then the layer as it travels.

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "engine/image/merkle.hpp"

namespace {

using namespace sluice;
using namespace sluice::image;

constexpr std::size_t kHead = 9;

void require(bool holds) {
    if (!holds) std::abort();
}

std::vector<Digest> split(ByteView raw) {
    std::vector<Digest> out(raw.size() / 32);
    for (std::size_t i = 0; i < out.size(); ++i)
        std::copy_n(raw.begin() + static_cast<std::ptrdiff_t>(32 * i), 32, out[i].bytes.begin());
    return out;
}

void check_whole_layer(const PieceLayout& layout, ByteView raw) {
    const auto root = pieces_root(layout, split(raw));
    const auto layer = PieceLayer::prove(layout, root, raw);
    require(layer.has_value() && std::ranges::equal(layer.value().raw(), raw));
    // Pieces are judged by size before they are hashed.
    require(!layer.value().is_verified(PieceIndex{layout.piece_count()}, raw));
    require(!layer.value().is_verified(PieceIndex{0}, {}));
    Bytes spoiled(raw.begin(), raw.end());
    spoiled[spoiled.size() / 2] ^= 1;
    require(!PieceLayer::prove(layout, root, spoiled).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < kHead) return 0;
    PieceLayout layout{0, std::uint32_t{1} << (data[0] % 32)};
    for (std::size_t i = 0; i < 8; ++i) layout.length |= std::uint64_t{data[1 + i]} << (8 * i);
    const ByteView raw(data + kHead, size - kHead);

    // A zero root is no digest of two nodes; only an image of one piece has its layer as its root.
    const Digest zero{};
    if (PieceLayer::prove(layout, zero, raw).has_value())
        require(layout.piece_count() == 1 && std::ranges::equal(raw, zero.bytes));
    if (is_valid(layout) && raw.size() == std::size_t{layout.piece_count()} * 32)
        check_whole_layer(layout, raw);
    return 0;
}
