// What is remembered of the copies, as text and back.
#include "agent/configuration/record.hpp"

#include <gmock/gmock.h>

#include "engine/image/merkle.hpp"

namespace sluice::agent::configuration {
namespace {

using install::Slot;

Record full() {
    Record r;
    r.next = 9;
    r.live = 7;
    r.live_slot = Slot::b;
    r.staged = 8;
    r.slots = {SlotCopy{6, true}, SlotCopy{7, false}};
    for (const std::uint64_t number : {6, 7, 8})
        r.copies.push_back({number,
                            number * 100,
                            image::sha256(as_bytes("x")),
                            {"voip 7.cfg", number == 7 ? "" : "2026-03", UtcTime{1'770'000'000}}});
    return r;
}

TEST(ConfigurationRecord, ReadsBackWhatItWrote) {
    for (const auto& record : {Record{}, full()}) {
        const auto read = parse_record(to_text(record));
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(read.value(), record) << to_text(record);
    }
}

TEST(ConfigurationRecord, LeavesOutCopiesThatNothingNames) {
    auto record = full();
    record.copies.push_back({5, 1, {}, {}});
    EXPECT_EQ(parse_record(to_text(record)).value(), full());
}

TEST(ConfigurationRecord, KeepsAnyNameOnOneLine) {
    auto record = full();
    record.copies[0].label.name = "a\nend of\x01 b\xc3\xa4" + std::string(100, 'n');
    const auto read = parse_record(to_text(record));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read.value().copies[0].label.name.substr(0, 12), "a?end of? b?");
    EXPECT_EQ(read.value().copies[0].label.name.size(), 64u);
}

TEST(ConfigurationRecord, RefusesWhatIsNotWhole) {
    const auto good = to_text(full());
    for (std::size_t i = 0; i < good.size(); ++i) {
        auto torn = good;
        torn[i] ^= 1;
        EXPECT_FALSE(parse_record(torn)) << i;
        EXPECT_FALSE(parse_record(good.substr(0, i))) << i;
    }
}

// With a right checksum.
TEST(ConfigurationRecord, RefusesWhatItCannotHaveWritten) {
    const auto sealed = [](const std::string& lines) {
        const auto text = "sluice-configuration 1\n" + lines;
        return text + "end " + image::sha256(as_bytes(text)).hex() + "\n";
    };
    const std::string hex(64, '0');
    for (const auto& lines :
         {std::string("slot c 0 0\n"), std::string("slot a 1 0\n"), std::string("live 1\n"),
          std::string("next x\n"), std::string("staged \n"), std::string("name 3 x\n"),
          "next 2\nslot a 2 0\ncopy 2 1 1 " + hex + "\n",
          "next 9\nslot a 2 0\ncopy 2 1 1 " + hex + "00\n"})
        EXPECT_FALSE(parse_record(sealed(lines))) << lines;
    EXPECT_TRUE(parse_record(sealed("next 3\nslot a 2 0\ncopy 2 1 1 " + hex + "\nlater 7\n")));
}

TEST(ConfigurationRecord, NamesAVersionAfterItsBytesWhereNobodySaidOne) {
    EXPECT_EQ(full().copies[0].version(), "2026-03");
    EXPECT_EQ(full().copies[1].version(), image::sha256(as_bytes("x")).hex().substr(0, 16));
}

}  // namespace
}  // namespace sluice::agent::configuration
