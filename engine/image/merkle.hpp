#pragma once
// BitTorrent v2's Merkle tree over one image (BEP 52): SHA-256, 16 KiB leaves, the tree padded with
// zero leaves to a power of two. The piece layer (one digest a piece) travels apart from the
// manifest and is proved by the root; a piece is proved by its digest in the layer.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/base/bytes.hpp"
#include "engine/base/result.hpp"
#include "engine/image/digest.hpp"
#include "engine/image/piece_layout.hpp"

namespace sluice::image {

Digest sha256(ByteView bytes);

// The digest of one piece: the root of its leaves. `bytes.size()` is layout.size_of(piece). An
// image of one piece has that piece's tree as its whole tree, as deep as the image's leaves need;
// larger images pad the last piece to piece_length.
Digest hash_piece(const PieceLayout& layout, ByteView bytes);

// The same in two steps, for who needs the leaves too: each 16 KiB of a piece hashed, and the root
// over them.
std::vector<Digest> hash_leaves(ByteView bytes);
Digest piece_digest(const PieceLayout& layout, std::span<const Digest> leaves);

// A proved layer: holds one digest a piece, and the root over them equals the manifest's.
class PieceLayer {
public:
    // `raw` is 32·K bytes. Refused when its length or its root is wrong.
    static Result<PieceLayer> prove(const PieceLayout& layout, const Digest& pieces_root,
                                    ByteView raw);
    const PieceLayout& layout() const { return layout_; }
    const Digest& digest_of(PieceIndex p) const { return digests_[p.value]; }
    bool is_verified(PieceIndex p, ByteView bytes) const {
        return p.value < digests_.size() && bytes.size() == layout_.size_of(p) &&
               hash_piece(layout_, bytes) == digests_[p.value];
    }
    Bytes raw() const;

private:
    PieceLayer(const PieceLayout& layout, std::vector<Digest> digests)
        : layout_(layout), digests_(std::move(digests)) {}

    PieceLayout layout_;
    std::vector<Digest> digests_;
};

// The layer as it travels: 32 bytes a piece, nothing else.
Bytes raw_layer(const std::vector<Digest>& piece_digests);

// The root over piece digests, padded with the digest of an all-padding piece (BEP 52: "the hash of
// a tree of zero leaves").
Digest pieces_root(const PieceLayout& layout, const std::vector<Digest>& piece_digests);

// The bencoded info-dict of an image, and its v2 info-hash: {file tree {"image": {"": {length,
// pieces root}}}, meta version 2, name "image", piece length, private 1}.
std::string info_dict(const PieceLayout& layout, const Digest& pieces_root);
ImageId image_id(const PieceLayout& layout, const Digest& pieces_root);

}  // namespace sluice::image
