// A copy of a store while it is written to: one moment of it, whole, and in nobody's way.

#include "acs-plugin/store/backup.hpp"

#include <atomic>
#include <fstream>
#include <gmock/gmock.h>
#include <thread>

#include "tests/store/numbered_commits.hpp"
#include "tests/store/opened_store.hpp"

namespace sluice::store {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(Backup, IsOneMomentOfAStoreThatIsWrittenTo) {
    const StoreFile file;
    const auto copy = file.path() + ".copy";
    std::atomic<std::uint32_t> acknowledged = 0;
    std::atomic<bool> is_over = false;
    const auto store = opened(file.path());
    std::thread writing([&] {
        for (std::uint32_t n = 1; !is_over; ++n) {
            ASSERT_TRUE(commit(*store, numbered_commit(n)));
            acknowledged = n;
        }
    });
    for (std::uint32_t round = 1; round <= 5; ++round) {
        while (acknowledged < round * 20) std::this_thread::yield();
        const auto before = acknowledged.load();
        const auto done = back_up(file.path(), copy);
        ASSERT_TRUE(done.has_value()) << done.error().message;
        const auto after = acknowledged.load() + 1;
        EXPECT_EQ(fs::status(copy).permissions(), fs::perms::owner_read | fs::perms::owner_write);
        const auto number = number_of_whole(opened(copy)->load().value());
        ASSERT_TRUE(number) << "half a commit";
        EXPECT_GE(*number, before);
        EXPECT_LE(*number, after);
        for (const auto* end : {"", "-wal", "-shm", ".lock"}) fs::remove(copy + end);
    }
    is_over = true;
    writing.join();
    EXPECT_FALSE(fs::exists(copy + ".new"));
}

TEST(Backup, TouchesNothingThatIsThereAlready) {
    const StoreFile file;
    ASSERT_TRUE(commit(*opened(file.path()), numbered_commit(1)));
    const auto copy = file.path() + ".copy";
    std::ofstream(copy) << "yesterday's";
    const auto refused = back_up(file.path(), copy);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().message, copy + ": is there already");
    EXPECT_EQ(fs::file_size(copy), 11u);
}

TEST(Backup, OfWhatIsNoStoreIsRefusedAndLeavesNothing) {
    const StoreFile file;
    const auto copy = file.path() + ".copy";
    EXPECT_THAT(back_up(file.path(), copy).error().message, HasSubstr(file.path()));
    std::ofstream(file.path()) << "";
    EXPECT_THAT(back_up(file.path(), copy).error().message, HasSubstr("is not a store of Sluice"));
    EXPECT_FALSE(fs::exists(copy) || fs::exists(copy + ".new"));
}

}  // namespace
}  // namespace sluice::store
