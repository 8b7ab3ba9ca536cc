#pragma once
// Everything that bytes alone say about an image, computed in one pass of bounded memory: one
// digest a piece is all that is kept (≤ 8 MiB for 4 GiB of image). The packer feeds it a file; a
// test feeds it a pattern.

#include <vector>

#include "engine/base/bytes.hpp"
#include "engine/image/digest.hpp"
#include "engine/image/piece_layout.hpp"
#include "engine/image/sha256.hpp"

namespace sluice::image {

struct ImageDigests {
    PieceLayout layout;
    std::vector<Digest> layer;  // one a piece
    Digest pieces_root;
    Digest sha256;  // of the whole image
    ImageId id;
};

class ImageDigester {
public:
    explicit ImageDigester(const PieceLayout& layout);

    std::uint32_t pieces_added() const { return static_cast<std::uint32_t>(layer_.size()); }
    // How many bytes the next piece must have; 0 once all pieces are in.
    std::uint32_t next_size() const;
    // Pieces in order, each of next_size() bytes.
    void add_piece(ByteView bytes);
    // After the last piece, once.
    ImageDigests finish();

private:
    PieceLayout layout_;
    std::vector<Digest> layer_;
    Sha256 whole_;
};

}  // namespace sluice::image
