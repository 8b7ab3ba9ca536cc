#include "agent/piece_store.hpp"

#include <cerrno>
#include <fstream>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "agent/sync_thread.hpp"
#include "tests/agent/faulty_disk/faulty_disk.hpp"
#include "tests/agent/faulty_disk/private_mount.hpp"
#include "tests/agent/store/temporary_folder.hpp"
#include "tests/agent/store/test_image.hpp"

namespace sluice::agent {
namespace {

using testing::HasSubstr;

struct PieceStoreTest : testing::Test {
    std::unique_ptr<PieceStore> open(const StoreLimits& limits = {}) {
        return PieceStore::open(*disk, folder.path(), image.id, image.layout, limits).value();
    }
    void overwrite(PieceIndex piece, const std::string& bytes) {
        std::fstream file(folder / image.id.hex() + "/image.bin",
                          std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(image.layout.offset_of(piece)));
        file << bytes;
    }

    TemporaryFolder folder;
    std::unique_ptr<disk::Disk> disk = disk::posix_disk();
    TestImage image = make_test_image(1, 10 * 16384 + 5);  // 11 pieces, the last of 5 bytes
};

TEST_F(PieceStoreTest, ResumesExactlyThePiecesThatAreThere) {
    {
        const auto store = open();
        EXPECT_EQ(store->resume(image.layer()).value().count(), 0u);
        for (const std::uint32_t p : {0u, 3u, 10u})
            ASSERT_TRUE(store->write_piece(PieceIndex{p}, image.piece(PieceIndex{p})));
    }
    const auto store = open();
    const auto there = store->resume(image.layer()).value();

    EXPECT_EQ(there.count(), 3u);
    for (const std::uint32_t p : {0u, 3u, 10u}) EXPECT_TRUE(there.contains(PieceIndex{p}));
    EXPECT_EQ(store->durable_count(), 3u);
}

TEST_F(PieceStoreTest, DoesNotResumeAPieceWithAWrongByte) {
    {
        const auto store = open();
        for (const std::uint32_t p : {4u, 5u})
            ASSERT_TRUE(store->write_piece(PieceIndex{p}, image.piece(PieceIndex{p})));
    }
    overwrite(PieceIndex{4}, "x");

    const auto there = open()->resume(image.layer()).value();

    EXPECT_FALSE(there.contains(PieceIndex{4}));
    EXPECT_TRUE(there.contains(PieceIndex{5}));
}

TEST_F(PieceStoreTest, ResumesAFileThatIsShortOrTooLong) {
    {
        const auto store = open();
        ASSERT_TRUE(store->write_piece(PieceIndex{0}, image.piece(PieceIndex{0})));
        ASSERT_TRUE(store->write_piece(PieceIndex{10}, image.piece(PieceIndex{10})));
    }
    const auto path = folder / image.id.hex() + "/image.bin";
    std::filesystem::resize_file(path, 16384);
    EXPECT_EQ(open()->resume(image.layer()).value().count(), 1u);
    std::filesystem::resize_file(path, 99 * 16384);
    EXPECT_EQ(open()->resume(image.layer()).value().count(), 1u);
    EXPECT_EQ(std::filesystem::file_size(path), image.layout.length);
}

TEST_F(PieceStoreTest, CountsAPieceAsDurableOnlyOnceItIsSynced) {
    const auto store = open();
    for (PieceIndex p{0}; p.value < 11; ++p.value)
        ASSERT_TRUE(store->write_piece(p, image.piece(p)));
    EXPECT_EQ(store->durable_count(), 0u);
    EXPECT_EQ(store->unsynced_bytes(), image.layout.length);

    ASSERT_TRUE(store->sync());

    EXPECT_EQ(store->unsynced_bytes(), 0u);
    EXPECT_TRUE(store->is_complete());
}

TEST_F(PieceStoreTest, NeverHoldsMoreThanAWindowOfUnsyncedBytes) {
    const auto store = open({.window_bytes = 3 * 16384});
    for (PieceIndex p{0}; p.value < 11; ++p.value) {
        ASSERT_TRUE(store->write_piece(p, image.piece(p)));
        EXPECT_LE(store->unsynced_bytes() + image.layout.piece_length, 3u * 16384);
    }
    EXPECT_EQ(store->durable_count(), 10u);
}

TEST_F(PieceStoreTest, TakesAPieceLargerThanItsWindow) {
    const auto store = open({.window_bytes = 1});
    for (const std::uint32_t p : {0u, 1u})
        ASSERT_TRUE(store->write_piece(PieceIndex{p}, image.piece(PieceIndex{p})));
    EXPECT_EQ(store->durable_count(), 1u);
}

TEST_F(PieceStoreTest, WritesAPieceOnceHoweverOftenItComes) {
    const auto store = open();
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(store->write_piece(PieceIndex{0}, image.piece(PieceIndex{0})));
    ASSERT_TRUE(store->sync());
    EXPECT_EQ(store->durable_count(), 1u);
}

TEST_F(PieceStoreTest, BecomesDurableOnAThreadOfItsOwn) {
    const auto store = open({.window_bytes = 4 * 16384, .batch_bytes = 2 * 16384});
    {
        SyncThread syncing(*store);
        for (PieceIndex p{0}; p.value < 11; ++p.value)
            ASSERT_TRUE(store->write_piece(p, image.piece(p)));
    }
    ASSERT_TRUE(store->sync());
    EXPECT_TRUE(store->is_complete());
    EXPECT_FALSE(store->wait_until_due());  // stopped
}

TEST_F(PieceStoreTest, KeepsLayerAndManifestByteForByte) {
    const Bytes envelope{'{', 0, '}'};
    {
        const auto store = open();
        EXPECT_EQ(store->load_layer(), std::nullopt);
        EXPECT_EQ(store->load_manifest(), std::nullopt);
        ASSERT_TRUE(store->save_layer(image.raw_layer));
        ASSERT_TRUE(store->save_manifest(envelope));
    }
    EXPECT_EQ(open()->load_layer(), image.raw_layer);
    EXPECT_EQ(open()->load_manifest(), envelope);
}

TEST_F(PieceStoreTest, DoesNotLoadALayerOfTheWrongLength) {
    const auto store = open();
    for (const std::size_t size : {image.raw_layer.size() - 1, image.raw_layer.size() + 1}) {
        ASSERT_TRUE(store->save_layer(Bytes(size)));
        EXPECT_EQ(store->load_layer(), std::nullopt);
    }
}

TEST_F(PieceStoreTest, HasNoRoomOnAFullDiskAndTakesNoneOfIt) {
    const auto outcome = in_a_private_mount(folder.path(), "size=64k", [&] {
        const auto opened = PieceStore::open(*disk, folder.path(), image.id, image.layout);
        return !opened && opened.error().message.find("ENOSPC") != std::string::npos &&
               disk->list(folder / image.id.hex()).value().empty();
    });
    if (!outcome) GTEST_SKIP() << "no mount namespace may be made here";
    EXPECT_TRUE(*outcome);
}

TEST_F(PieceStoreTest, SaysThatTheDiskIsReadOnly) {
    const auto outcome = in_a_private_mount(folder.path(), "ro", [&] {
        const auto opened = PieceStore::open(*disk, folder.path(), image.id, image.layout);
        return !opened && opened.error().message.find("EROFS") != std::string::npos;
    });
    if (!outcome) GTEST_SKIP() << "no mount namespace may be made here";
    EXPECT_TRUE(*outcome);
}

TEST_F(PieceStoreTest, TakesNoMoreWritesAfterOneFailed) {
    disk::FaultyDisk faulty(1);
    const auto store = PieceStore::open(faulty, "", image.id, image.layout).value();
    faulty.fail("pwrite", "image.bin", ENOSPC);
    const auto full = store->write_piece(PieceIndex{0}, image.piece(PieceIndex{0}));
    faulty.fail("", "", 0);
    ASSERT_FALSE(full);
    EXPECT_THAT(full.error().message, HasSubstr("ENOSPC"));
    const auto next = store->write_piece(PieceIndex{1}, image.piece(PieceIndex{1}));
    ASSERT_FALSE(next);
    EXPECT_EQ(next.error().message, full.error().message);
    EXPECT_FALSE(store->sync());
    EXPECT_FALSE(store->wait_until_due());
}

// What a failed sync left in the page cache would pass a re-hash and not a power cut.
TEST_F(PieceStoreTest, FetchesAgainWhatASyncFailedToKeep) {
    disk::FaultyDisk faulty(1);
    {
        const auto store = PieceStore::open(faulty, "", image.id, image.layout).value();
        ASSERT_TRUE(store->write_piece(PieceIndex{0}, image.piece(PieceIndex{0})));
        faulty.fail("fdatasync", "image.bin", EIO);
        EXPECT_FALSE(store->sync());
        EXPECT_FALSE(store->sync());
        EXPECT_EQ(store->durable_count(), 0u);
        faulty.fail("", "", 0);
    }
    const auto store = PieceStore::open(faulty, "", image.id, image.layout).value();
    EXPECT_EQ(store->resume(image.layer()).value().count(), 0u);
}

TEST_F(PieceStoreTest, NamesTheFolderItCannotMake) {
    const auto opened = PieceStore::open(*disk, folder / "missing", image.id, image.layout);
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().message, HasSubstr("mkdir " + (folder / "missing")));
    EXPECT_THAT(opened.error().message, HasSubstr("ENOENT"));
}

}  // namespace
}  // namespace sluice::agent
