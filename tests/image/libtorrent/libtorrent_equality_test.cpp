// Our tree, root and image id beside libtorrent's own: the same bytes through `create_torrent` and
// its hashing of a file must come to the same info-hash, or a swarm would not know the image.

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <libtorrent/bencode.hpp>
#include <libtorrent/create_torrent.hpp>
#include <libtorrent/file_storage.hpp>
#include <libtorrent/torrent_info.hpp>
#include <unistd.h>

#include "engine/base/rng.hpp"
#include "engine/image/image_digester.hpp"
#include "engine/image/merkle.hpp"

namespace sluice::image {
namespace {

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;

struct Case {
    std::uint64_t length;
    std::uint32_t piece_length;
};

// A piece of an image that compresses badly and repeats nowhere: piece i is seeded by i.
Bytes piece_of(const PieceLayout& layout, PieceIndex piece) {
    Bytes bytes(layout.size_of(piece));
    Rng rng(piece.value + 1);
    std::size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) {
        const auto word = rng.next();
        std::memcpy(bytes.data() + at, &word, 8);
    }
    for (; at < bytes.size(); ++at) bytes[at] = static_cast<std::uint8_t>(rng.next());
    return bytes;
}

class BesideLibtorrent : public testing::TestWithParam<Case> {
protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "sluice-equality-XXXXXX";
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        folder_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::filesystem::path folder_;
};

TEST_P(BesideLibtorrent, RootLayerAndInfoHashAreTheSame) {
    const PieceLayout layout{GetParam().length, GetParam().piece_length};
    ImageDigester digester(layout);
    {
        std::ofstream file(folder_ / "image", std::ios::binary);
        for (std::uint32_t p = 0; p < layout.piece_count(); ++p) {
            const auto bytes = piece_of(layout, PieceIndex{p});
            file.write(reinterpret_cast<const char*>(bytes.data()),
                       static_cast<std::streamsize>(bytes.size()));
            digester.add_piece(bytes);
        }
        ASSERT_TRUE(file.flush());
    }
    const auto ours = digester.finish();

    lt::file_storage files;
    files.add_file("image", static_cast<std::int64_t>(layout.length));
    lt::create_torrent creator(files, static_cast<int>(layout.piece_length),
                               lt::create_torrent::v2_only);
    creator.set_priv(true);
    lt::error_code failed;
    lt::set_piece_hashes(creator, folder_.string(), failed);
    ASSERT_FALSE(failed) << failed.message();
    const auto encoded = [&] {
        std::vector<char> out;
        lt::bencode(std::back_inserter(out), creator.generate());
        return out;
    }();
    const lt::torrent_info theirs(encoded, lt::from_span);

    ASSERT_EQ(theirs.piece_length(), static_cast<int>(layout.piece_length));
    EXPECT_EQ(ours.id.hex(), to_hex(as_bytes(theirs.info_hashes().v2.to_string())));
    EXPECT_EQ(ours.pieces_root.hex(),
              to_hex(as_bytes(theirs.files().root(lt::file_index_t{0}).to_string())));
    // BEP 52: a file of one piece has no layer of its own in the torrent; its root says all.
    const auto layer = theirs.piece_layer(lt::file_index_t{0});
    if (layout.piece_count() == 1)
        EXPECT_EQ(ours.layer.front(), ours.pieces_root);
    else
        EXPECT_EQ(to_hex(raw_layer(ours.layer)),
                  to_hex(as_bytes({layer.data(), static_cast<std::size_t>(layer.size())})));
}

INSTANTIATE_TEST_SUITE_P(Sizes, BesideLibtorrent,
                         testing::Values(Case{1, 16 * kKiB}, Case{16 * kKiB - 1, 16 * kKiB},
                                         Case{16 * kKiB, 16 * kKiB}, Case{16 * kKiB + 1, 16 * kKiB},
                                         Case{1, 1 * kMiB}, Case{16 * kKiB + 1, 64 * kKiB},
                                         Case{33 * kKiB, 64 * kKiB}, Case{64 * kKiB - 1, 64 * kKiB},
                                         Case{64 * kKiB, 64 * kKiB}, Case{64 * kKiB + 1, 64 * kKiB},
                                         Case{1 * kMiB - 1, 1 * kMiB}, Case{1 * kMiB, 1 * kMiB},
                                         Case{1 * kMiB + 1, 1 * kMiB},
                                         Case{5 * 64 * kKiB + 7, 64 * kKiB},
                                         Case{200 * kMiB, 512 * kKiB},
                                         Case{200 * kMiB + 1, 16 * kKiB}),
                         [](const auto& made) {
                             return std::to_string(made.param.length) + "_bytes_in_pieces_of_" +
                                    std::to_string(made.param.piece_length);
                         });

}  // namespace
}  // namespace sluice::image
