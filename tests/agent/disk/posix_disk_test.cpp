#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>

#include "agent/disk/disk.hpp"
#include "tests/agent/faulty_disk/private_mount.hpp"
#include "tests/agent/store/temporary_folder.hpp"

namespace sluice::agent::disk {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct PosixDiskTest : testing::Test {
    std::unique_ptr<File> file(Open how = Open::create) {
        return disk->open(folder / "file", how).value();
    }
    std::string content() {
        std::ifstream in(folder / "file", std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    TemporaryFolder folder;
    std::unique_ptr<Disk> disk = posix_disk();
};

TEST_F(PosixDiskTest, WritesAndReadsAtOffsets) {
    const auto made = file();
    ASSERT_TRUE(made->pwrite(3, as_bytes("three")));
    ASSERT_TRUE(made->pwrite(0, as_bytes("0")));
    ASSERT_TRUE(made->sync_data());
    EXPECT_EQ(content(), std::string("0\0\0three", 8));

    Bytes read(100);
    EXPECT_EQ(made->pread(4, read).value(), 4u);
    EXPECT_EQ(as_text(read).substr(0, 4), "hree");
    EXPECT_EQ(made->pread(8, read).value(), 0u);
    EXPECT_EQ(made->length().value(), 8u);
}

TEST_F(PosixDiskTest, KeepsOrEmptiesWhatWasThereAsItIsOpened) {
    ASSERT_TRUE(file()->pwrite(0, as_bytes("old")));
    EXPECT_EQ(file(Open::create)->length().value(), 3u);
    EXPECT_EQ(file(Open::update)->length().value(), 3u);
    EXPECT_EQ(file(Open::replace)->length().value(), 0u);
}

TEST_F(PosixDiskTest, NamesCallPathAndErrno) {
    const auto missing = disk->open(folder / "missing", Open::update);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().message,
              "open " + (folder / "missing") + ": ENOENT (No such file or directory)");
    EXPECT_TRUE(missing.error().is_missing());
    EXPECT_FALSE(missing.error().is_disk_full());

    const auto read_only = disk->open("/dev/null", Open::read).value()->pwrite(0, as_bytes("x"));
    ASSERT_FALSE(read_only);
    EXPECT_THAT(read_only.error().message, HasSubstr("pwrite /dev/null: EBADF"));
}

TEST_F(PosixDiskTest, SaysThatTheDiskIsFull) {
    const auto written = disk->open("/dev/full", Open::update).value()->pwrite(0, as_bytes("x"));
    ASSERT_FALSE(written);
    EXPECT_TRUE(written.error().is_disk_full());
    EXPECT_THAT(written.error().message, HasSubstr("pwrite /dev/full: ENOSPC"));
}

TEST_F(PosixDiskTest, CannotReserveMoreThanThereIs) {
    const auto outcome = in_a_private_mount(folder.path(), "size=64k", [&] {
        const auto made = file();
        const auto reserved = made->allocate(1 << 20);
        return !reserved && reserved.error().is_disk_full() && made->allocate(16384).has_value();
    });
    if (!outcome) GTEST_SKIP() << "no mount namespace may be made here";
    EXPECT_TRUE(*outcome);
}

TEST_F(PosixDiskTest, SaysThatTheDiskIsReadOnly) {
    const auto outcome = in_a_private_mount(folder.path(), "ro", [&] {
        const auto made = disk->open(folder / "file", Open::create);
        return !made && made.error().code == EROFS;
    });
    if (!outcome) GTEST_SKIP() << "no mount namespace may be made here";
    EXPECT_TRUE(*outcome);
}

TEST_F(PosixDiskTest, AllocatesAHoleThatReadsAsZeros) {
    const auto made = file();
    ASSERT_TRUE(made->allocate(1 << 20));
    EXPECT_EQ(made->length().value(), 1u << 20);
    Bytes read(16, 0xff);
    ASSERT_TRUE(made->pread(1000, read));
    EXPECT_EQ(read, Bytes(16, 0));
    // Bytes that are there stay.
    ASSERT_TRUE(made->pwrite(0, as_bytes("kept")));
    ASSERT_TRUE(made->allocate(2 << 20));
    EXPECT_EQ(content().substr(0, 4), "kept");
}

TEST_F(PosixDiskTest, NeverSkipsWrittenBytesInSearchOfData) {
    const auto made = file();
    ASSERT_TRUE(made->truncate(8 << 20));
    EXPECT_LE(made->next_data(0).value(), 8u << 20);
    ASSERT_TRUE(made->pwrite(4 << 20, as_bytes("x")));
    EXPECT_LE(made->next_data(0).value(), 4u << 20);
    EXPECT_EQ(made->next_data(4 << 20).value(), 4u << 20);
    EXPECT_EQ(made->next_data(8 << 20).value(), 8u << 20);
}

TEST_F(PosixDiskTest, MakesRenamesListsAndRemoves) {
    ASSERT_TRUE(disk->make_directory(folder / "d"));
    ASSERT_TRUE(disk->make_directory(folder / "d"));  // there already
    ASSERT_TRUE(file());
    EXPECT_FALSE(disk->make_directory(folder / "file"));  // there, and no folder
    ASSERT_TRUE(disk->rename(folder / "file", folder / "d/moved"));
    ASSERT_TRUE(disk->sync_directory(folder / "d"));
    ASSERT_TRUE(disk->set_modified(folder / "d", UtcTime{1234567}));

    const auto entries = disk->list(folder.path()).value();
    ASSERT_EQ(entries.size(), 1u);
    EXPECT_EQ(entries[0].name, "d");
    EXPECT_TRUE(entries[0].is_directory);
    EXPECT_EQ(entries[0].modified, UtcTime{1234567});

    EXPECT_FALSE(disk->remove_directory(folder / "d"));  // not empty
    ASSERT_TRUE(disk->remove_file(folder / "d/moved"));
    ASSERT_TRUE(disk->remove_file(folder / "d/moved"));  // gone already
    ASSERT_TRUE(disk->remove_directory(folder / "d"));
    ASSERT_TRUE(disk->remove_directory(folder / "d"));
    EXPECT_TRUE(disk->list(folder.path()).value().empty());
    EXPECT_FALSE(disk->list(folder / "d"));
    EXPECT_FALSE(disk->sync_directory(folder / "d"));
}

TEST_F(PosixDiskTest, HandsNoDescriptorToCommands) {
    const auto made = file();
    EXPECT_NE(::fcntl(made->fd(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(PosixDiskTest, ReplacesASmallFileWhole) {
    ASSERT_TRUE(write_small_file(*disk, folder.path(), "file", as_bytes("first, and longer")));
    ASSERT_TRUE(write_small_file(*disk, folder.path(), "file", as_bytes("second")));
    EXPECT_EQ(content(), "second");
    EXPECT_EQ(disk->list(folder.path()).value().size(), 1u);
    EXPECT_EQ(as_text(read_small_file(*disk, folder / "file", 6).value()), "second");
}

TEST_F(PosixDiskTest, MakesAFolderWhoseNameIsDurable) {
    std::filesystem::current_path(folder.path());
    for (const auto& path : {folder / "one", folder / "two/", std::string("three"),
                             std::string("three/four"), std::string("./five//")})
        EXPECT_TRUE(make_durable_directory(*disk, path)) << path;
    EXPECT_TRUE(make_durable_directory(*disk, "/"));
    EXPECT_TRUE(std::filesystem::is_directory(folder / "three/four"));
    EXPECT_EQ(disk->list(folder.path()).value().size(), 4u);
    EXPECT_FALSE(make_durable_directory(*disk, folder / "six/seven"));
    std::filesystem::current_path("/");
}

TEST_F(PosixDiskTest, RefusesASmallFileThatIsNotSmall) {
    ASSERT_TRUE(write_small_file(*disk, folder.path(), "file", as_bytes("seven..")));
    const auto read = read_small_file(*disk, folder / "file", 6);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, EFBIG);
}

}  // namespace
}  // namespace sluice::agent::disk
