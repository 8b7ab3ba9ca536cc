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

using testing::AllOf;
using testing::ElementsAre;
using testing::Ge;
using testing::IsEmpty;
using testing::Key;
using testing::Le;
using testing::Not;
using testing::Pair;

struct StartedPiecesTest : testing::Test {
    std::unique_ptr<PieceStore> open() {
        return PieceStore::open(*disk, folder.path(), image.id, image.layout).value();
    }
    // A life that is killed with these bytes of these pieces in its hands.
    void live(const std::vector<std::pair<PieceIndex, Bytes>>& pieces) {
        PieceBuffers buffers(image.layout.piece_length, 10, open()->started_path());
        for (const auto& [piece, bytes] : pieces) {
            auto buffer = buffers.take(piece);
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
    EXPECT_THAT(store->take_started(), ElementsAre(Pair(p4, first(p4, 700))));
    EXPECT_THAT(store->take_started(), IsEmpty());  // once
    EXPECT_EQ(open()->resume(image.layer()).value().count(), 2u);
}

TEST_F(StartedPiecesTest, AreNotBelieved) {
    auto wrong = first(p2, 16384);
    wrong[9] ^= 1;
    live({{p2, wrong}});
    const auto store = open();
    EXPECT_EQ(store->resume(image.layer()).value().count(), 0u);
    EXPECT_THAT(store->take_started(), IsEmpty());
}

TEST_F(StartedPiecesTest, DoNotStandAgainstWhatIsInTheStore) {
    ASSERT_TRUE(open()->write_piece(p4, image.piece(p4)));
    live({{p4, first(p4, 700)}});
    const auto store = open();
    EXPECT_EQ(store->resume(image.layer()).value().count(), 1u);
    EXPECT_THAT(store->take_started(), IsEmpty());
}

TEST_F(StartedPiecesTest, OfTwoAttemptsAreTheLongerOne) {
    live({{p2, first(p2, 10)}, {p2, first(p2, 30)}, {p2, first(p2, 20)}});
    EXPECT_EQ(read().at(p2).size(), 30u);
}

// A kill may fall between recv(2) and the note.
TEST_F(StartedPiecesTest, AreFoundAsFarAsTheirBytesCame) {
    {
        PieceBuffers buffers(image.layout.piece_length, 10, open()->started_path());
        for (int i = 0; i < 10; ++i) {  // of buffers that were full before
            auto buffer = buffers.take(last);
            std::fill_n(buffer.get(), image.layout.piece_length, 0xff);
            buffers.give_back(std::move(buffer));
        }
        auto unnoted = buffers.take(p2);
        const auto bytes = first(p2, 700);
        std::copy(bytes.begin(), bytes.end(), unnoted.get());
        auto untouched = buffers.take(p4);
    }
    const auto there = read();
    EXPECT_THAT(there, ElementsAre(Key(p2)));
    EXPECT_THAT(there.at(p2).size(), AllOf(Ge(690u), Le(700u)));  // the last may be zeros
    EXPECT_EQ(there.at(p2), first(p2, there.at(p2).size()));
}

TEST_F(StartedPiecesTest, OutliveALifeThatNeverAskedForTheRest) {
    live({{p4, first(p4, 700)}});
    for (int i = 0; i < 3; ++i) {
        const auto store = open();
        ASSERT_TRUE(store->resume(image.layer()));
        PieceBuffers buffers(image.layout.piece_length, 10, store->started_path(),
                             store->take_started());
    }
    EXPECT_THAT(read(), ElementsAre(Pair(p4, first(p4, 700))));
}

TEST_F(StartedPiecesTest, StayWhenASourceGaveNothingMore) {
    live({{p4, first(p4, 700)}});
    PieceBuffers buffers(image.layout.piece_length, 10, open()->started_path(), read());
    auto begun = buffers.take_begun(p4);
    ASSERT_EQ(begun.filled, 700u);
    EXPECT_FALSE(buffers.take_begun(p4).buffer);
    buffers.keep_begun(p4, std::move(begun));
    EXPECT_THAT(read(), ElementsAre(Pair(p4, first(p4, 700))));
    EXPECT_EQ(buffers.take_begun(p4).filled, 700u);
}

TEST_F(StartedPiecesTest, MakeRoomWhenEveryBufferIsWanted) {
    live({{p2, first(p2, 10)}, {p4, first(p4, 700)}});
    PieceBuffers buffers(image.layout.piece_length, 2, open()->started_path(), read());
    auto a = buffers.take(last);
    EXPECT_THAT(read(), ElementsAre(Key(p4)));
    auto b = buffers.take(last);
    EXPECT_TRUE(a && b);
    EXPECT_FALSE(buffers.take(last));
    EXPECT_FALSE(buffers.take_begun(p4).buffer);
}

TEST_F(StartedPiecesTest, AreThereUntilTheNextLifeHasTakenThemUp) {
    live({{p4, first(p4, 700)}});
    const auto scratch = disk::Scratch::make(open()->started_path(), 4096);
    EXPECT_THAT(read(), ElementsAre(Key(p4)));  // killed here
    scratch->publish();
    EXPECT_THAT(read(), IsEmpty());
}

TEST_F(StartedPiecesTest, AreThoseInAnybodysHandsOnly) {
    {
        PieceBuffers buffers(image.layout.piece_length, 10, open()->started_path());
        auto a = buffers.take(p2);
        auto b = buffers.take(p4);
        buffers.note(a, p2, 7);
        buffers.note(b, p4, 8);
        buffers.give_back(std::move(a));
    }
    EXPECT_THAT(read(), ElementsAre(Key(p4)));
}

TEST_F(StartedPiecesTest, AreGoneOnceAllAreInTheStore) {
    PieceBuffers buffers(image.layout.piece_length, 10, open()->started_path());
    auto a = buffers.take(p2);
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
    const PieceIndex p1{1}, p7{7};
    PieceBuffers buffers(16384, 2, "/nowhere/at/all", {{p7, Bytes(9, 'x')}});
    auto a = buffers.take(p1);
    auto begun = buffers.take_begun(p7);
    ASSERT_TRUE(a && begun.buffer);
    EXPECT_EQ(begun.filled, 9u);
    EXPECT_FALSE(buffers.take(p1));
    buffers.note(a, p1, 5);
    const auto* was = a.get();
    buffers.give_back(std::move(a));
    EXPECT_EQ(buffers.take(p1).get(), was);
}

}  // namespace
}  // namespace sluice::agent
