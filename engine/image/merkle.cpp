#include "engine/image/merkle.hpp"

#include <bit>
#include <cassert>
#include <cryptopp/sha.h>
#include <span>

namespace sluice::image {
namespace {

constexpr std::size_t kMaxLeavesOfPiece = kMaxPieceLength / kLeafLength;
constexpr std::size_t kDigestLength = 32;

Digest hash_pair(CryptoPP::SHA256& sha, const Digest& left, const Digest& right) {
    std::array<std::uint8_t, 2 * kDigestLength> both;
    std::copy(left.bytes.begin(), left.bytes.end(), both.begin());
    std::copy(right.bytes.begin(), right.bytes.end(), both.begin() + kDigestLength);
    Digest out;
    sha.CalculateDigest(out.bytes.data(), both.data(), both.size());
    return out;
}

// Folds `nodes` in place into their root as if `pad` followed them up to `width`, a power of two.
// Padding is never stored: one digest of it a level is enough.
Digest fold(CryptoPP::SHA256& sha, std::span<Digest> nodes, std::size_t width, Digest pad) {
    assert(!nodes.empty() && nodes.size() <= width && std::has_single_bit(width));
    std::size_t held = nodes.size();
    for (; width > 1; width /= 2) {
        for (std::size_t i = 0; i < held; i += 2)
            nodes[i / 2] = hash_pair(sha, nodes[i], i + 1 < held ? nodes[i + 1] : pad);
        held = (held + 1) / 2;
        pad = hash_pair(sha, pad, pad);
    }
    return nodes[0];
}

// The root of a piece that is nothing but padding: zero digests where leaves would be.
Digest padding_piece(CryptoPP::SHA256& sha, std::uint32_t piece_length) {
    Digest pad;
    for (auto leaves = piece_length / kLeafLength; leaves > 1; leaves /= 2)
        pad = hash_pair(sha, pad, pad);
    return pad;
}

// How wide the tree of a piece with `count` leaves is. An image of one piece has that piece's tree
// as its whole tree.
std::size_t leaves_of_piece(const PieceLayout& layout, std::size_t count) {
    const bool is_whole_image = layout.length <= layout.piece_length;
    return is_whole_image ? std::bit_ceil(count) : layout.piece_length / kLeafLength;
}

void append(std::string& out, std::string_view text) {
    out += std::to_string(text.size());
    out += ':';
    out += text;
}

void append(std::string& out, std::uint64_t number) {
    out += 'i';
    out += std::to_string(number);
    out += 'e';
}

}  // namespace

Digest sha256(ByteView bytes) {
    Digest out;
    CryptoPP::SHA256().CalculateDigest(out.bytes.data(), bytes.data(), bytes.size());
    return out;
}

Digest hash_piece(const PieceLayout& layout, ByteView bytes) {
    assert(!bytes.empty() && bytes.size() <= layout.piece_length);
    return piece_digest(layout, hash_leaves(bytes));
}

std::vector<Digest> hash_leaves(ByteView bytes) {
    CryptoPP::SHA256 sha;
    std::vector<Digest> leaves((bytes.size() + kLeafLength - 1) / kLeafLength);
    for (std::size_t i = 0; i < leaves.size(); ++i) {
        const auto leaf =
            bytes.subspan(i * kLeafLength)
                .first(std::min<std::size_t>(kLeafLength, bytes.size() - i * kLeafLength));
        sha.CalculateDigest(leaves[i].bytes.data(), leaf.data(), leaf.size());
    }
    return leaves;
}

Digest piece_digest(const PieceLayout& layout, std::span<const Digest> leaves) {
    assert(!leaves.empty() && leaves.size() <= kMaxLeavesOfPiece);
    CryptoPP::SHA256 sha;
    std::array<Digest, kMaxLeavesOfPiece> nodes;
    std::copy(leaves.begin(), leaves.end(), nodes.begin());
    return fold(sha, {nodes.data(), leaves.size()}, leaves_of_piece(layout, leaves.size()),
                Digest{});
}

Result<PieceLayer> PieceLayer::prove(const PieceLayout& layout, const Digest& pieces_root,
                                     ByteView raw) {
    if (!is_valid(layout)) return Error{"piece layer: no image has this length and piece length"};
    const std::size_t expected = std::size_t{layout.piece_count()} * kDigestLength;
    if (raw.size() != expected)
        return Error{"piece layer: " + std::to_string(raw.size()) + " bytes instead of " +
                     std::to_string(expected)};
    std::vector<Digest> digests(layout.piece_count());
    for (std::size_t i = 0; i < digests.size(); ++i)
        std::copy_n(raw.begin() + static_cast<std::ptrdiff_t>(i * kDigestLength), kDigestLength,
                    digests[i].bytes.begin());
    if (image::pieces_root(layout, digests) != pieces_root)
        return Error{"piece layer: does not lead to pieces root " + pieces_root.hex()};
    return PieceLayer(layout, std::move(digests));
}

Bytes PieceLayer::raw() const {
    return raw_layer(digests_);
}

Bytes raw_layer(const std::vector<Digest>& piece_digests) {
    Bytes out;
    out.reserve(piece_digests.size() * kDigestLength);
    for (const auto& digest : piece_digests)
        out.insert(out.end(), digest.bytes.begin(), digest.bytes.end());
    return out;
}

Digest pieces_root(const PieceLayout& layout, const std::vector<Digest>& piece_digests) {
    CryptoPP::SHA256 sha;
    auto nodes = piece_digests;
    return fold(sha, nodes, std::bit_ceil(nodes.size()), padding_piece(sha, layout.piece_length));
}

// Keys in the order that bencoding demands: sorted as raw strings.
std::string info_dict(const PieceLayout& layout, const Digest& pieces_root) {
    std::string info = "d";
    append(info, "file tree");
    info += 'd';
    append(info, "image");
    info += 'd';
    append(info, "");
    info += 'd';
    append(info, "length");
    append(info, layout.length);
    append(info, "pieces root");
    append(info, as_text(pieces_root.bytes));
    info += "eee";
    append(info, "meta version");
    append(info, std::uint64_t{2});
    append(info, "name");
    append(info, "image");
    append(info, "piece length");
    append(info, std::uint64_t{layout.piece_length});
    append(info, "private");
    append(info, std::uint64_t{1});
    info += 'e';
    return info;
}

ImageId image_id(const PieceLayout& layout, const Digest& pieces_root) {
    return {sha256(as_bytes(info_dict(layout, pieces_root)))};
}

}  // namespace sluice::image
