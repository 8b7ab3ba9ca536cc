// The tree by hand, level by level, and the layer that must lead to its root.

#include "engine/image/merkle.hpp"

#include <gtest/gtest.h>

#include "engine/image/image_digester.hpp"
#include "tests/image/vectors.hpp"

namespace sluice::image {
namespace {

constexpr std::uint32_t kKiB = 1024;

Digest parent(const Digest& left, const Digest& right) {
    Bytes both(left.bytes.begin(), left.bytes.end());
    both.insert(both.end(), right.bytes.begin(), right.bytes.end());
    return sha256(both);
}

ImageDigests digests_of(const PieceLayout& layout, ByteView bytes) {
    ImageDigester digester(layout);
    for (std::uint32_t p = 0; p < layout.piece_count(); ++p)
        digester.add_piece(
            bytes.subspan(layout.offset_of(PieceIndex{p}), layout.size_of(PieceIndex{p})));
    return digester.finish();
}

TEST(Sha256, HasTheDigestsOfFips180) {
    EXPECT_EQ(sha256(as_bytes("")).hex(),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sha256(as_bytes("abc")).hex(),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, IsTheSameInPartsAndStartsAfreshAfterFinish) {
    Sha256 parts;
    parts.update(as_bytes("a"));
    parts.update(as_bytes("bc"));
    EXPECT_EQ(parts.finish(), sha256(as_bytes("abc")));
    EXPECT_EQ(parts.finish(), sha256({}));
}

TEST(HashPiece, OfOneLeafIsTheLeafsOwnDigest) {
    const auto bytes = vectors::image_bytes(100);
    EXPECT_EQ(hash_piece({100, 16 * kKiB}, bytes), sha256(bytes));
}

TEST(HashPiece, PadsAShortLastPieceWithZeroLeavesToThePieceLength) {
    const auto bytes = vectors::image_bytes(20 * kKiB);  // the second piece of an image of two
    const PieceLayout layout{84 * kKiB, 64 * kKiB};
    const Digest zero{};
    const auto leaves = parent(sha256(ByteView(bytes).first(16 * kKiB)),
                               sha256(ByteView(bytes).subspan(16 * kKiB)));
    EXPECT_EQ(hash_piece(layout, bytes), parent(leaves, parent(zero, zero)));
}

TEST(HashPiece, OfAnImageOfOnePieceIsOnlyAsDeepAsItsLeavesNeed) {
    const auto bytes = vectors::image_bytes(20 * kKiB);
    EXPECT_EQ(hash_piece({20 * kKiB, 64 * kKiB}, bytes),
              parent(sha256(ByteView(bytes).first(16 * kKiB)),
                     sha256(ByteView(bytes).subspan(16 * kKiB))));
}

TEST(PiecesRoot, PadsTheLayerWithPiecesOfZeroLeaves) {
    const PieceLayout layout{3 * 32 * kKiB, 32 * kKiB};
    const auto a = sha256(as_bytes("a")), b = sha256(as_bytes("b")), c = sha256(as_bytes("c"));
    const Digest zero{};
    EXPECT_EQ(pieces_root(layout, {a, b, c}), parent(parent(a, b), parent(c, parent(zero, zero))));
}

class Layer : public testing::Test {
protected:
    const PieceLayout layout{5 * 32 * kKiB + 7, 32 * kKiB};
    const Bytes bytes = vectors::image_bytes(layout.length);
    const ImageDigests image = digests_of(layout, bytes);
    Bytes raw = raw_layer(image.layer);
};

TEST_F(Layer, IsProvedByTheRootAndProvesItsPieces) {
    const auto layer = PieceLayer::prove(layout, image.pieces_root, raw);
    ASSERT_TRUE(layer) << layer.error().message;
    EXPECT_EQ(layer.value().raw(), raw);
    EXPECT_EQ(layer.value().layout(), layout);
    for (std::uint32_t p = 0; p < layout.piece_count(); ++p)
        EXPECT_TRUE(layer.value().is_verified(
            PieceIndex{p}, ByteView(bytes).subspan(layout.offset_of(PieceIndex{p}),
                                                   layout.size_of(PieceIndex{p}))));
}

TEST_F(Layer, TurnsAwayPiecesThatAreWrongShortLongMisplacedOrBeyondTheEnd) {
    const auto layer = PieceLayer::prove(layout, image.pieces_root, raw).value();
    Bytes piece(bytes.begin(), bytes.begin() + 32 * kKiB);
    EXPECT_TRUE(layer.is_verified(PieceIndex{0}, piece));
    EXPECT_FALSE(layer.is_verified(PieceIndex{1}, piece));
    EXPECT_FALSE(layer.is_verified(PieceIndex{6}, piece));
    EXPECT_FALSE(layer.is_verified(PieceIndex{0}, ByteView(piece).first(piece.size() - 1)));
    EXPECT_FALSE(layer.is_verified(PieceIndex{0}, {}));
    EXPECT_FALSE(layer.is_verified(PieceIndex{0}, bytes));
    piece[12345] ^= 1;
    EXPECT_FALSE(layer.is_verified(PieceIndex{0}, piece));
}

TEST_F(Layer, IsRefusedWhenItsLengthIsWrong) {
    EXPECT_FALSE(PieceLayer::prove(layout, image.pieces_root, {}));
    EXPECT_FALSE(PieceLayer::prove(layout, image.pieces_root, ByteView(raw).first(raw.size() - 1)));
    raw.resize(raw.size() + 32);
    const auto refused = PieceLayer::prove(layout, image.pieces_root, raw);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "piece layer: 224 bytes instead of 192");
}

TEST_F(Layer, IsRefusedWhenOneBitOfItIsWrong) {
    for (const std::size_t at : {std::size_t{0}, raw.size() / 2, raw.size() - 1}) {
        raw[at] ^= 1;
        EXPECT_FALSE(PieceLayer::prove(layout, image.pieces_root, raw)) << at;
        raw[at] ^= 1;
    }
    EXPECT_TRUE(PieceLayer::prove(layout, image.pieces_root, raw));
}

TEST_F(Layer, IsRefusedUnderAnotherRoot) {
    EXPECT_FALSE(PieceLayer::prove(layout, Digest{}, raw));
}

// Even where length and root of the layer would fit.
TEST_F(Layer, IsRefusedForALayoutThatNoImageHas) {
    for (const PieceLayout bad :
         {PieceLayout{layout.length, 48 * kKiB}, PieceLayout{layout.length, 2048 * kKiB},
          PieceLayout{layout.length, 8 * kKiB}, PieceLayout{kMaxImageLength + 1, 1024 * kKiB}}) {
        const std::vector<Digest> digests(bad.piece_count(), sha256(as_bytes("piece")));
        EXPECT_FALSE(PieceLayer::prove(bad, pieces_root(bad, digests), raw_layer(digests)))
            << bad.piece_length;
    }
    EXPECT_FALSE(PieceLayer::prove({0, 32 * kKiB}, Digest{}, {}));
    EXPECT_FALSE(PieceLayer::prove({layout.length, 0}, image.pieces_root, raw));
}

TEST_F(Layer, OfAnImageOfOnePieceIsItsRoot) {
    const PieceLayout one{100, 16 * kKiB};
    const auto root = sha256(ByteView(bytes).first(100));
    EXPECT_TRUE(PieceLayer::prove(one, root, root.bytes));
    EXPECT_FALSE(PieceLayer::prove(one, root, Digest{}.bytes));
}

TEST(ImageId, DependsOnLengthPieceLengthAndRoot) {
    const auto root = sha256(as_bytes("root"));
    const auto id = image_id({100, 16 * kKiB}, root);
    EXPECT_EQ(image_id({100, 16 * kKiB}, root), id);
    EXPECT_NE(image_id({101, 16 * kKiB}, root), id);
    EXPECT_NE(image_id({100, 32 * kKiB}, root), id);
    EXPECT_NE(image_id({100, 16 * kKiB}, sha256(as_bytes("other"))), id);
}

TEST(DefaultPieceLength, Gives256To511PiecesWithinItsLimits) {
    struct Row {
        std::uint64_t length;
        std::uint32_t piece_length;
    };
    for (const auto [length, expected] :
         {Row{1, 16 * kKiB}, Row{511 * 16 * kKiB, 16 * kKiB}, Row{511 * 16 * kKiB + 1, 32 * kKiB},
          Row{32u << 20, 128 * kKiB}, Row{200u << 20, 512 * kKiB}, Row{511u << 20, 1024 * kKiB},
          Row{kMaxImageLength, 1024 * kKiB}}) {
        EXPECT_EQ(default_piece_length(length), expected) << length;
        EXPECT_TRUE(is_valid({length, expected}));
    }
}

}  // namespace
}  // namespace sluice::image
