// What of its pieces an agent had when it was killed, and what its next life makes of it.
#include "agent/started_pieces.hpp"

#include <fstream>
#include <gmock/gmock.h>

#include "agent/piece_buffers.hpp"
#include "agent/piece_store.hpp"
#include "tests/agent/store/temporary_folder.hpp"
#include "tests/agent/store/test_image.hpp"

namespace sluice::agent {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Key;
using testing::Not;

struct StartedPiecesTest : testing::Test {
    std::unique_ptr<PieceStore> open() {
        return PieceStore::open(*disk, folder.path(), image.id, image.layout).value();
    }
    // A life that is killed with these bytes of these pieces in its hands.
    void live(const std::vector<std::pair<PieceIndex, Bytes>>& pieces) {
        PieceBuffers buffers(image.layout.piece_length, 10, open()->started_path());
        for (const auto& [piece, bytes] : pieces) {
            auto buffer = buffers.take();
            std::copy(bytes.begin(), bytes.end(), buffer.get());
            buffers.note(buffer, piece, bytes.size());
        }
    }
    Bytes first(PieceIndex piece, std::size_t count) const {
        const auto all = image.piece(piece);
        return Bytes(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count));
    }
    StartedPieces read() const {
        return read_started_pieces(*disk, folder / image.id.hex() + "/started", image.layout);
    }

    TemporaryFolder folder;
    std::unique_ptr<disk::Disk> disk = disk::posix_disk();
    TestImage image = make_test_image(1, 10 * 16384 + 5);  // 11 pieces, the last of 5 bytes
    const PieceIndex p2{2}, p4{4}, last{10};
};

TEST_F(StartedPiecesTest, AreTakenUpWhereTheyWereLeft) {
    live({{p2, first(p2, 16384)}, {p4, first(p4, 700)}, {last, first(last, 5)}});
    const auto store = open();
    const auto there = store->resume(image.layer()).value();
    EXPECT_TRUE(there.contains(p2));
    EXPECT_TRUE(there.contains(last));
    EXPECT_EQ(there.count(), 2u);
    EXPECT_EQ(store->durable_count(), 2u);
    EXPECT_THAT(store->take_started(p2), IsEmpty());
    EXPECT_EQ(store->take_started(p4), first(p4, 700));
    EXPECT_THAT(store->take_started(p4), IsEmpty());  // once
    EXPECT_EQ(open()->resume(image.layer()).value().count(), 2u);
}

TEST_F(StartedPiecesTest, AreNotBelieved) {
    auto wrong = first(p2, 16384);
    wrong[9] ^= 1;
    live({{p2, wrong}});
    const auto store = open();
    EXPECT_EQ(store->resume(image.layer()).value().count(), 0u);
    EXPECT_THAT(store->take_started(p2), IsEmpty());
}

TEST_F(StartedPiecesTest, DoNotStandAgainstWhatIsInTheStore) {
    ASSERT_TRUE(open()->write_piece(p4, image.piece(p4)));
    live({{p4, first(p4, 700)}});
    const auto store = open();
    EXPECT_EQ(store->resume(image.layer()).value().count(), 1u);
    EXPECT_THAT(store->take_started(p4), IsEmpty());
}

TEST_F(StartedPiecesTest, OfTwoAttemptsAreTheLongerOne) {
    live({{p2, first(p2, 10)}, {p2, first(p2, 30)}, {p2, first(p2, 20)}});
    EXPECT_EQ(read().at(p2).size(), 30u);
}

TEST_F(StartedPiecesTest, AreThoseInAnybodysHandsOnly) {
    {
        PieceBuffers buffers(image.layout.piece_length, 10, open()->started_path());
        auto a = buffers.take();
        auto b = buffers.take();
        buffers.note(a, p2, 7);
        buffers.note(b, p4, 8);
        buffers.give_back(std::move(a));
    }
    EXPECT_THAT(read(), ElementsAre(Key(p4)));
}

TEST_F(StartedPiecesTest, AreGoneOnceAllAreInTheStore) {
    PieceBuffers buffers(image.layout.piece_length, 10, open()->started_path());
    auto a = buffers.take();
    buffers.note(a, p2, 7);
    EXPECT_THAT(read(), Not(IsEmpty()));
    buffers.leave_nothing();
    EXPECT_THAT(read(), IsEmpty());
    buffers.note(a, p2, 9);  // and the memory is still good
}

TEST_F(StartedPiecesTest, OfAnotherLayoutOrOutOfBoundsAreNone) {
    live({{p2, first(p2, 30)}});
    const auto path = folder / image.id.hex() + "/started";
    EXPECT_THAT(read_started_pieces(*disk, path, {10 * 32768, 32768}), IsEmpty());
    const StartedSlot cases[] = {{11, 5}, {2, 16385}, {10, 6}, {~0u, ~0u}};
    for (const auto& slot : cases) {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(sizeof kStartedMagic);
        file.write(reinterpret_cast<const char*>(&slot), sizeof slot);
        file.close();
        EXPECT_THAT(read(), IsEmpty()) << slot.piece;
    }
    std::filesystem::resize_file(path, 100);
    EXPECT_THAT(read(), IsEmpty());
    EXPECT_THAT(read_started_pieces(*disk, folder / "none", image.layout), IsEmpty());
}

TEST(PieceBuffers, AreOrdinaryMemoryWhereTheFileCannotBeMade) {
    PieceBuffers buffers(16384, 2, "/nowhere/at/all");
    auto a = buffers.take();
    auto b = buffers.take();
    ASSERT_TRUE(a && b);
    EXPECT_FALSE(buffers.take());
    buffers.note(a, PieceIndex{1}, 5);
    const auto* was = a.get();
    buffers.give_back(std::move(a));
    EXPECT_EQ(buffers.take().get(), was);
}

}  // namespace
}  // namespace sluice::agent
