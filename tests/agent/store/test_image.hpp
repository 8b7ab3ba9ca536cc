#pragma once
// A small image with everything that is known of it, made from a seed.

#include "engine/base/rng.hpp"
#include "engine/image/merkle.hpp"

namespace sluice::agent {

struct TestImage {
    image::PieceLayout layout;
    Bytes bytes;
    Bytes raw_layer;
    image::Digest root;
    image::ImageId id;
    image::Digest sha256;

    ByteView piece(PieceIndex p) const {
        return ByteView(bytes).subspan(layout.offset_of(p), layout.size_of(p));
    }
    image::PieceLayer layer() const {
        return image::PieceLayer::prove(layout, root, raw_layer).value();
    }
};

inline TestImage make_test_image(std::uint64_t seed, std::uint64_t length,
                                 std::uint32_t piece_length = image::kMinPieceLength) {
    TestImage out;
    out.layout = {length, piece_length};
    out.bytes.resize(length);
    Rng rng(seed);
    for (auto& byte : out.bytes) byte = static_cast<std::uint8_t>(rng.next());
    std::vector<image::Digest> digests;
    for (PieceIndex p{0}; p.value < out.layout.piece_count(); ++p.value)
        digests.push_back(image::hash_piece(out.layout, out.piece(p)));
    for (const auto& digest : digests)
        out.raw_layer.insert(out.raw_layer.end(), digest.bytes.begin(), digest.bytes.end());
    out.root = image::pieces_root(out.layout, digests);
    out.id = image::image_id(out.layout, out.root);
    out.sha256 = image::sha256(out.bytes);
    return out;
}

}  // namespace sluice::agent
