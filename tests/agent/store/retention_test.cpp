#include "agent/retention.hpp"

#include <gmock/gmock.h>

#include "agent/piece_store.hpp"
#include "tests/agent/faulty_disk/faulty_disk.hpp"
#include "tests/agent/store/test_image.hpp"

namespace sluice::agent {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t kDay = 86400;

struct RetentionTest : testing::Test {
    RetentionTest() {
        (void)disk.make_directory("/store");
        for (const auto* image : {&first, &second, &third}) {
            const auto store = PieceStore::open(disk, "/store", image->id, image->layout).value();
            (void)store->save_layer(image->raw_layer);
        }
        used(first, 10 * kDay);
        used(second, 9 * kDay);
        used(third, 11 * kDay);
    }
    void used(const TestImage& image, std::int64_t at) {
        (void)PieceStore::open(disk, "/store", image.id, image.layout)
            .value()
            ->mark_used(UtcTime{at});
    }
    std::vector<image::ImageId> evict(const Retention& limits, std::int64_t now,
                                      std::vector<image::ImageId> in_use = {},
                                      std::uint64_t wanted = 0) {
        return evict_images(disk, "/store", limits, UtcTime{now}, in_use, wanted).value();
    }
    std::size_t left() { return disk.list("/store").value().size(); }

    disk::FaultyDisk disk{1};
    TestImage first = make_test_image(1, 100'000);
    TestImage second = make_test_image(2, 100'000);
    TestImage third = make_test_image(3, 100'000);
};

TEST_F(RetentionTest, KeepsWhatIsYoungAndFits) {
    EXPECT_THAT(evict({.max_bytes = 400'000}, 12 * kDay), IsEmpty());
    EXPECT_THAT(evict({}, 12 * kDay), IsEmpty());
    EXPECT_EQ(left(), 3u);
}

TEST_F(RetentionTest, RemovesTheLongestUnusedUntilTheNewOneFits) {
    EXPECT_THAT(evict({.max_bytes = 400'000}, 12 * kDay, {}, 150'000), ElementsAre(second.id));
    EXPECT_THAT(evict({.max_bytes = 400'000}, 12 * kDay, {}, 250'000), ElementsAre(first.id));
    EXPECT_EQ(left(), 1u);
}

TEST_F(RetentionTest, RemovesWhatIsOverAge) {
    EXPECT_THAT(evict({}, 17 * kDay + 1), ElementsAre(second.id, first.id));
}

TEST_F(RetentionTest, NeverRemovesWhatIsInUse) {
    EXPECT_THAT(evict({.max_bytes = 1}, 99 * kDay, {first.id, third.id}), ElementsAre(second.id));
    EXPECT_EQ(left(), 2u);
}

// The clock stood at 1970 or before the last use: nothing is old for that.
TEST_F(RetentionTest, TakesAnImageFromTheFutureForYoung) {
    EXPECT_THAT(evict({}, 0), IsEmpty());
}

TEST_F(RetentionTest, MakesRoomForAnImageThatIsWantedNow) {
    const auto wanted = make_test_image(4, 100'000);
    const auto open = [&](std::vector<image::ImageId> in_use) {
        return open_making_room(disk, "/store", wanted.id, wanted.layout, UtcTime{12 * kDay},
                                std::move(in_use));
    };
    disk.set_capacity(320'000);  // three images and their layers
    EXPECT_FALSE(open({first.id, second.id, third.id})) << "all are in use";
    EXPECT_TRUE(open({first.id})) << "young ones make way where there is no room";
    EXPECT_EQ(left(), 2u);
}

TEST_F(RetentionTest, LeavesAloneWhatIsNoImage) {
    (void)disk.make_directory("/store/lost+found");
    (void)disk.open("/store/" + std::string(64, 'a'), disk::Open::create);
    EXPECT_EQ(evict({.max_bytes = 1}, 99 * kDay).size(), 3u);
    EXPECT_EQ(left(), 2u);
}

TEST_F(RetentionTest, NamesAFolderThatCannotBeRead) {
    const auto missing = evict_images(disk, "/missing", {}, UtcTime{}, {}, 0);
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().message, testing::HasSubstr("opendir /missing: ENOENT"));
}

}  // namespace
}  // namespace sluice::agent
