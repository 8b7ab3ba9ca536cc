#include "engine/image/image_digester.hpp"

#include <cassert>

#include "engine/image/merkle.hpp"

namespace sluice::image {

ImageDigester::ImageDigester(const PieceLayout& layout) : layout_(layout) {
    assert(is_valid(layout));
    layer_.reserve(layout.piece_count());
}

std::uint32_t ImageDigester::next_size() const {
    const PieceIndex next{pieces_added()};
    return next.value < layout_.piece_count() ? layout_.size_of(next) : 0;
}

void ImageDigester::add_piece(ByteView bytes) {
    assert(bytes.size() == next_size() && !bytes.empty());
    layer_.push_back(hash_piece(layout_, bytes));
    whole_.update(bytes);
}

ImageDigests ImageDigester::finish() {
    assert(next_size() == 0);
    const auto root = pieces_root(layout_, layer_);
    return {layout_, std::move(layer_), root, whole_.finish(), image_id(layout_, root)};
}

}  // namespace sluice::image
