// The double itself: it must be as cruel as it says, and no crueller.

#include "tests/agent/faulty_disk/faulty_disk.hpp"

#include <cerrno>
#include <gmock/gmock.h>
#include <set>

namespace sluice::agent::disk {
namespace {

std::string content(Disk& disk, const std::string& path) {
    const auto file = disk.open(path, Open::read);
    if (!file) return "(missing)";
    Bytes bytes(8192);
    bytes.resize(file.value()->pread(0, bytes).value());
    return std::string(as_text(bytes));
}

// What is left of `path` after `write` and a power cut, over many seeds.
template <class Write>
std::set<std::string> outcomes(const std::string& path, Write write) {
    std::set<std::string> seen;
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        FaultyDisk disk(seed);
        const auto old = disk.open("/f", Open::create).value();
        (void)old->pwrite(0, as_bytes("old"));
        (void)old->sync_data();
        (void)disk.sync_directory("/");
        write(disk);
        disk.cut_power_now();
        disk.come_back();
        seen.insert(content(disk, path));
    }
    return seen;
}

using testing::Contains;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

TEST(FaultyDisk, KeepsWhatWasSynced) {
    EXPECT_THAT(outcomes("/f",
                         [](Disk& disk) {
                             const auto file = disk.open("/f", Open::update).value();
                             (void)file->pwrite(0, as_bytes("new"));
                             (void)file->sync_data();
                         }),
                ElementsAre("new"));
}

TEST(FaultyDisk, MayLoseKeepOrGarbleAnUnsyncedSector) {
    const auto seen = outcomes("/f", [](Disk& disk) {
        (void)disk.open("/f", Open::update).value()->pwrite(0, as_bytes("new"));
    });
    EXPECT_THAT(seen, Contains("old"));
    EXPECT_THAT(seen, Contains("new"));
    EXPECT_GT(seen.size(), 2u);
}

TEST(FaultyDisk, TearsAWriteBetweenItsSectors) {
    const auto seen = outcomes("/f", [](Disk& disk) {
        (void)disk.open("/f", Open::update).value()->pwrite(0, Bytes(1024, 'n'));
    });
    const std::string first = std::string(512, 'n');
    const std::string second = "old" + std::string(509, '\0') + std::string(512, 'n');
    EXPECT_THAT(seen, Contains(first));
    EXPECT_THAT(seen, Contains(second));  // out of order
    EXPECT_THAT(seen, Contains(std::string(1024, 'n')));
}

TEST(FaultyDisk, LosesANewNameWhoseFolderIsNotSynced) {
    const auto write = [](Disk& disk) {
        const auto file = disk.open("/g", Open::create).value();
        (void)file->pwrite(0, as_bytes("new"));
        (void)file->sync_data();
    };
    EXPECT_THAT(outcomes("/g", write), UnorderedElementsAre("(missing)", "new"));
}

TEST(FaultyDisk, KeepsAFolderThatWasMadeDurably) {
    const auto write = [](Disk& disk) {
        (void)make_durable_directory(disk, "/d");
        (void)write_small_file(disk, "/d", "f", as_bytes("new"));
    };
    EXPECT_THAT(outcomes("/d/f", write), ElementsAre("new"));
}

TEST(FaultyDisk, IsNoFullerForASmallFileThatFoundNoRoom) {
    FaultyDisk disk(1);
    (void)make_durable_directory(disk, "/d");
    ASSERT_TRUE(write_small_file(disk, "/d", "f", as_bytes("one")));
    disk.set_capacity(1000);
    EXPECT_FALSE(write_small_file(disk, "/d", "f", Bytes(2000, 'x')));
    EXPECT_EQ(content(disk, "/d/f"), "one");
    EXPECT_EQ(content(disk, "/d/f.new"), "(missing)");
}

TEST(FaultyDisk, RenamesWhollyOrNot) {
    const auto write = [](Disk& disk) {
        const auto file = disk.open("/f.new", Open::create).value();
        (void)file->pwrite(0, as_bytes("new"));
        (void)file->sync_data();
        (void)disk.rename("/f.new", "/f");
    };
    EXPECT_THAT(outcomes("/f", write), UnorderedElementsAre("old", "new"));
}

TEST(FaultyDisk, MayRenameAFileWhoseBytesAreNotThere) {
    const auto write = [](Disk& disk) {
        (void)disk.open("/f.new", Open::create).value()->pwrite(0, as_bytes("new"));
        (void)disk.rename("/f.new", "/f");
    };
    EXPECT_THAT(outcomes("/f", write), Contains(""));
}

TEST(FaultyDisk, StopsAtTheCallThatWasChosenAndKillsItsFiles) {
    FaultyDisk disk(1);
    const auto file = disk.open("/f", Open::create).value();
    disk.cut_power_at(2);
    EXPECT_TRUE(file->pwrite(0, as_bytes("a")));
    EXPECT_FALSE(file->pwrite(0, as_bytes("b")));
    EXPECT_TRUE(disk.is_off());
    EXPECT_FALSE(file->sync_data());
    EXPECT_FALSE(disk.list("/"));
    disk.come_back();
    EXPECT_FALSE(file->pwrite(0, as_bytes("c")));
    EXPECT_TRUE(disk.list("/"));
}

TEST(FaultyDisk, LosesNothingWhenOnlyTheProcessIsKilled) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        FaultyDisk disk(seed);
        const auto file = disk.open("/f", Open::create).value();
        disk.kill_process_at(2);
        (void)file->pwrite(0, as_bytes("a"));
        EXPECT_FALSE(file->pwrite(1, as_bytes("b")));
        disk.come_back();
        EXPECT_EQ(content(disk, "/f"), "ab");
    }
}

TEST(FaultyDisk, MayForgetWhatAFailedSyncLeftInTheCache) {
    int lost = 0;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        FaultyDisk disk(seed);
        const auto file = disk.open("/f", Open::create).value();
        (void)disk.sync_directory("/");
        (void)file->pwrite(0, as_bytes("a"));
        disk.fail("fdatasync", "/f", EIO);
        EXPECT_FALSE(file->sync_data());
        disk.fail("", "", 0);
        EXPECT_TRUE(file->sync_data());
        EXPECT_EQ(content(disk, "/f"), "a");
        disk.cut_power_now();
        disk.come_back();
        if (content(disk, "/f") != "a") ++lost;
    }
    EXPECT_GT(lost, 0);
    EXPECT_LT(lost, 50);
}

TEST(FaultyDisk, HasRoomForSoMuchAndNoMore) {
    FaultyDisk disk(1);
    disk.set_capacity(1000);
    const auto file = disk.open("/f", Open::create).value();
    EXPECT_TRUE(file->pwrite(0, Bytes(1000)));
    EXPECT_TRUE(file->pwrite(0, Bytes(1000)));  // the same ones
    const auto beyond = file->pwrite(1, Bytes(1000));
    ASSERT_FALSE(beyond);
    EXPECT_TRUE(beyond.error().is_disk_full());
}

TEST(FaultyDisk, GoesTheSameWayForTheSameSeed) {
    const auto run = [](std::uint64_t seed) {
        FaultyDisk disk(seed);
        const auto file = disk.open("/f", Open::create).value();
        (void)file->pwrite(0, Bytes(8000, 'n'));
        disk.cut_power_now();
        disk.come_back();
        return content(disk, "/f");
    };
    for (std::uint64_t seed = 1; seed <= 20; ++seed) EXPECT_EQ(run(seed), run(seed));
}

}  // namespace
}  // namespace sluice::agent::disk
