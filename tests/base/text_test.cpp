#include <gmock/gmock.h>

#include "engine/base/bytes.hpp"
#include "engine/base/rng.hpp"
#include "engine/base/utc.hpp"

namespace sluice {
namespace {

TEST(Base64, MatchesTheVectorsOfRfc4648) {
    const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, coded] : vectors) {
        EXPECT_EQ(to_base64(as_bytes(plain)), coded);
        const auto back = from_base64(coded);
        ASSERT_TRUE(back) << coded;
        EXPECT_EQ(as_text(*back), plain);
    }
    EXPECT_EQ(to_base64url(Bytes{0xfb, 0xff}), "-_8");
}

TEST(Base64, RefusesWhatIsNotTheOneTextOfItsBytes) {
    for (const char* bad : {"Zg", "Zg=", "Zh==", "Zm9v\n", "Z===", "====", "Zm9*"})
        EXPECT_EQ(from_base64(bad), std::nullopt) << bad;
    for (const char* bad : {"Zg==", "Z", "Zh", "-_9"}) EXPECT_EQ(from_base64url(bad), std::nullopt);
}

TEST(Hex, RoundTripsAndRefusesOddOrForeignText) {
    EXPECT_EQ(to_hex(Bytes{0x00, 0xaf}), "00af");
    EXPECT_EQ(from_hex("00AF"), (Bytes{0x00, 0xaf}));
    EXPECT_EQ(from_hex("0"), std::nullopt);
    EXPECT_EQ(from_hex("0g"), std::nullopt);
}

TEST(Utc, RoundTripsAndChecksTheCalendar) {
    EXPECT_EQ(format_utc(UtcTime{0}), "1970-01-01T00:00:00Z");
    for (const char* text :
         {"2026-02-28T23:59:59Z", "2024-02-29T00:00:00Z", "9999-12-31T23:59:59Z"}) {
        const auto t = parse_utc(text);
        ASSERT_TRUE(t.has_value()) << text;
        EXPECT_EQ(format_utc(t.value()), text);
    }
    for (const char* bad : {"2026-02-29T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01 00:00:00Z",
                            "2026-01-01T00:00:00+", "1969-12-31T23:59:59Z", ""})
        EXPECT_FALSE(parse_utc(bad).has_value()) << bad;
}

TEST(Rng, GivesTheSameDrawsOnEveryPlatform) {
    Rng rng(seed_of("sluice"));
    const std::uint64_t first = rng.next();
    EXPECT_EQ(Rng(seed_of("sluice")).next(), first);
    EXPECT_EQ(Rng(0).next(), 0xe220a8397b1dcdafULL);  // SplitMix64's published first output
    for (int i = 0; i < 1000; ++i) EXPECT_LT(rng.below(7), 7u);
}

}  // namespace
}  // namespace sluice
