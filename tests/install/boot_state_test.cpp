#include "engine/install/boot_state.hpp"

#include <gmock/gmock.h>

#include "engine/base/rng.hpp"
#include "engine/image/merkle.hpp"

namespace sluice::install {
namespace {

BootState a_state() {
    BootState state;
    state.sequence = 0x0102030405060708;
    state.active = Slot::b;
    state.security_version = 7;
    state.is_on_trial = true;
    state.tries_left = 2;
    state.was_healthy = true;
    state.hours_left = 300;
    state.at(Slot::a) = {true, 8, 123456789012, image::sha256(as_bytes("a"))};
    state.at(Slot::b) = {true, 7, 5, image::sha256(as_bytes("b"))};
    return state;
}

TEST(BootRecord, ComesBackAsItWas) {
    EXPECT_EQ(decode(encode(a_state())), a_state());
    EXPECT_EQ(decode(encode(BootState{})), BootState{});
}

// Boot loaders read it too: the bytes are fixed.
TEST(BootRecord, IsLaidOutAsItsHeaderSays) {
    const auto record = encode(a_state());
    EXPECT_EQ(record.size(), 156u);
    EXPECT_EQ(to_hex(ByteView(record).first(28)),
              "534c4254"  // SLBT
              "0001009c"
              "0102030405060708"
              "01030200"
              "012c0000"
              "00000007");
    EXPECT_EQ(to_hex(ByteView(record).subspan(28, 16)), "01000000000000080000001cbe991a14");
    EXPECT_EQ(image::sha256(ByteView(record).first(124)).hex(),
              to_hex(ByteView(record).subspan(124)));
}

TEST(BootRecord, IsNothingWhenAnyBitOfItIsWrong) {
    const auto record = encode(a_state());
    for (std::size_t bit = 0; bit < record.size() * 8; ++bit) {
        auto damaged = record;
        damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1u << bit % 8);
        EXPECT_EQ(decode(damaged), std::nullopt) << "bit " << bit;
    }
}

TEST(BootRecord, IsNothingWhenItIsCutShort) {
    const auto record = encode(a_state());
    for (std::size_t n = 0; n < record.size(); ++n)
        EXPECT_EQ(decode(ByteView(record).first(n)), std::nullopt) << n;
}

// Bytes 6 and 7 say the length: with any of them a decoder stays inside what it was given.
TEST(BootRecord, SurvivesAnyLengthItMayClaim) {
    auto record = encode(a_state());
    record.resize(kMaxRecordBytes);
    for (std::uint32_t length = 0; length < 65536; length += 7) {
        record[6] = static_cast<std::uint8_t>(length >> 8);
        record[7] = static_cast<std::uint8_t>(length);
        EXPECT_EQ(decode(record), std::nullopt);
    }
}

TEST(BootRecord, LetsALaterMinorVersionAddFields) {
    auto record = encode(a_state());
    record.resize(124);
    record.insert(record.end(), {1, 2, 3, 4});
    record[7] = 160;
    const auto checksum = image::sha256(record);
    record.insert(record.end(), checksum.bytes.begin(), checksum.bytes.end());
    EXPECT_EQ(decode(record), a_state());
}

TEST(BootRecord, RefusesAnotherMajorVersionAndAThirdSlot) {
    for (const auto& [at, value] : {std::pair<std::size_t, std::uint8_t>{5, 2}, {16, 2}}) {
        auto record = encode(a_state());
        record[at] = value;
        record.resize(124);
        const auto checksum = image::sha256(record);
        record.insert(record.end(), checksum.bytes.begin(), checksum.bytes.end());
        EXPECT_EQ(decode(record), std::nullopt) << at;
    }
}

TEST(NewestCopy, IsTheWholeOneWithTheHigherSequence) {
    auto older = a_state();
    auto newer = a_state();
    ++newer.sequence;
    const auto old_record = encode(older);
    const auto new_record = encode(newer);
    const Bytes torn(new_record.begin(), new_record.begin() + 100);

    EXPECT_EQ(newest_copy(old_record, new_record)->copy, 1u);
    EXPECT_EQ(newest_copy(new_record, old_record)->copy, 0u);
    EXPECT_EQ(newest_copy(old_record, torn)->state, older);
    EXPECT_EQ(newest_copy(torn, old_record)->state, older);
    EXPECT_FALSE(newest_copy(torn, {}));
}

struct BootCase {
    const char* what;
    bool on_trial;
    std::uint8_t tries;
    bool is_a_whole, is_b_whole;
    Slot boots;
    int tries_after;
};

TEST(ChooseBoot, CountsTriesDownAndNeverStartsATornSlot) {
    for (const auto& c : std::initializer_list<BootCase>{
             {"settled", false, 0, true, true, Slot::a, 0},
             {"settled, tries left over", false, 3, true, true, Slot::a, 3},
             {"first try", true, 3, true, true, Slot::b, 2},
             {"last try", true, 1, true, true, Slot::b, 0},
             {"tries used up", true, 0, true, true, Slot::a, 0},
             {"trial of a torn slot", true, 3, true, false, Slot::a, 3},
             {"active slot torn", false, 0, false, true, Slot::b, 0},
             {"nothing known", false, 0, false, false, Slot::a, 0}}) {
        BootState state;
        state.sequence = 9;
        state.is_on_trial = c.on_trial;
        state.tries_left = c.tries;
        state.at(Slot::a).is_whole = c.is_a_whole;
        state.at(Slot::b).is_whole = c.is_b_whole;

        const auto choice = choose_boot(state);

        EXPECT_EQ(choice.slot, c.boots) << c.what;
        EXPECT_EQ(choice.next.tries_left, c.tries_after) << c.what;
        EXPECT_EQ(choice.must_record, c.tries_after != c.tries) << c.what;
        EXPECT_EQ(choice.next.sequence, choice.must_record ? 10u : 9u) << c.what;
    }
}

}  // namespace
}  // namespace sluice::install
