#include "engine/base/piece_set.hpp"

#include <gmock/gmock.h>
#include <string_view>

namespace sluice {
namespace {

// "##.#": a hash for a piece that is there.
PieceSet picture(std::string_view text) {
    PieceSet set(static_cast<std::uint32_t>(text.size()));
    for (std::uint32_t i = 0; i < text.size(); ++i)
        if (text[i] == '#') set.insert(PieceIndex{i});
    return set;
}

TEST(PieceSet, FindsTheFirstMissingRunAtOrAfterAPiece) {
    const auto set = picture("##..#...##");
    EXPECT_EQ(set.first_missing_run(PieceIndex{0}, 9), (PieceRun{PieceIndex{2}, 2}));
    EXPECT_EQ(set.first_missing_run(PieceIndex{3}, 9), (PieceRun{PieceIndex{3}, 1}));
    EXPECT_EQ(set.first_missing_run(PieceIndex{4}, 2), (PieceRun{PieceIndex{5}, 2}));
    EXPECT_EQ(set.first_missing_run(PieceIndex{8}, 9), std::nullopt);
    EXPECT_EQ(picture("").first_missing_run(PieceIndex{0}, 9), std::nullopt);
}

TEST(PieceSet, KnowsHowFarTheUnbrokenRunReaches) {
    const auto set = picture("###.#");
    EXPECT_EQ(set.present_until(PieceIndex{0}), 3u);
    EXPECT_EQ(set.present_until(PieceIndex{3}), 3u);
    EXPECT_EQ(set.present_until(PieceIndex{4}), 5u);
}

TEST(PieceSet, RunsCrossTheWordsItIsKeptIn) {
    for (const std::uint32_t size : {63u, 64u, 65u, 128u, 200u}) {
        PieceSet set(size);
        EXPECT_EQ(set.first_missing_run(PieceIndex{0}, size), (PieceRun{PieceIndex{0}, size}));
        for (std::uint32_t p = 0; p < size; ++p) EXPECT_TRUE(set.insert(PieceIndex{p}));
        EXPECT_TRUE(set.is_complete());
        EXPECT_EQ(set.present_until(PieceIndex{1}), size);
        EXPECT_FALSE(set.insert(PieceIndex{0}));
        EXPECT_TRUE(set.erase(PieceIndex{size - 1}));
        EXPECT_EQ(set.present_until(PieceIndex{1}), size - 1);
    }
}

TEST(PieceSet, WritesPieceZeroAsTheTopBitOfByteZero) {
    EXPECT_THAT(picture("#.......#.").to_bitmap(), testing::ElementsAre(0x80, 0x80));
    EXPECT_EQ(PieceSet::from_bitmap(picture("#..#.#..##").to_bitmap(), 10), picture("#..#.#..##"));
}

TEST(PieceSet, RefusesABitmapOfTheWrongLengthOrWithSpareBits) {
    const std::vector<std::uint8_t> spare{0x80, 0x20};
    EXPECT_EQ(PieceSet::from_bitmap(spare, 10), std::nullopt);
    EXPECT_EQ(PieceSet::from_bitmap(spare, 17), std::nullopt);
    EXPECT_EQ(PieceSet::from_bitmap(spare, 8), std::nullopt);
}

}  // namespace
}  // namespace sluice
