// Compressed bodies: what comes out, and what never may.

#include "engine/net/content_coding.hpp"

#include <gtest/gtest.h>

namespace sluice::net {
namespace {

constexpr std::size_t kMost = 64 * 1024;

TEST(ContentCoding, GivesBackWhatWasEncoded) {
    for (const auto coding :
         {ContentCoding::identity, ContentCoding::gzip, ContentCoding::deflate}) {
        for (const std::string& text :
             {std::string(), std::string("Inform"), std::string(kMost, 'x')}) {
            const auto back = decode_content(coding, encode_content(coding, text), kMost);
            ASSERT_TRUE(back.has_value()) << name_of(coding) << " of " << text.size();
            EXPECT_EQ(back.value(), text);
        }
    }
}

// Many clients send RFC 1951 for "deflate" where RFC 1950 is meant.
TEST(ContentCoding, TakesDeflateWithAndWithoutItsFrame) {
    const auto framed = encode_content(ContentCoding::deflate, "Inform");
    const auto bare = framed.substr(2, framed.size() - 6);  // no header, no checksum
    EXPECT_EQ(decode_content(ContentCoding::deflate, bare, kMost).value(), "Inform");
}

TEST(ContentCoding, TakesGzipOfSeveralMembers) {
    const auto both =
        encode_content(ContentCoding::gzip, "one") + encode_content(ContentCoding::gzip, "two");
    EXPECT_EQ(decode_content(ContentCoding::gzip, both, kMost).value(), "onetwo");
}

TEST(ContentCoding, StopsABombAtItsLimit) {
    const auto bomb = encode_content(ContentCoding::gzip, std::string(64 * 1024 * 1024, 'b'));
    ASSERT_LT(bomb.size(), 100'000u);
    const auto exact = encode_content(ContentCoding::gzip, std::string(kMost, 'b'));
    const auto over = encode_content(ContentCoding::gzip, std::string(kMost + 1, 'b'));
    EXPECT_EQ(decode_content(ContentCoding::gzip, bomb, kMost).error(), CodingFault::too_large);
    EXPECT_EQ(decode_content(ContentCoding::gzip, over, kMost).error(), CodingFault::too_large);
    EXPECT_TRUE(decode_content(ContentCoding::gzip, exact, kMost).has_value());
    EXPECT_EQ(decode_content(ContentCoding::identity, std::string(kMost + 1, 'b'), kMost).error(),
              CodingFault::too_large);
}

TEST(ContentCoding, RefusesWhatIsNoWholeStream) {
    const auto whole = encode_content(ContentCoding::gzip, std::string(1000, 'x') + "Inform");
    auto damaged = whole;
    damaged[damaged.size() - 6] = static_cast<char>(damaged[damaged.size() - 6] ^ 1);  // its CRC
    for (const auto& bytes : {std::string(), std::string("plain text"), whole + "behind it",
                              whole.substr(0, whole.size() - 1), whole.substr(0, 5), damaged})
        EXPECT_EQ(decode_content(ContentCoding::gzip, bytes, kMost).error(), CodingFault::corrupt)
            << bytes.size();
    EXPECT_EQ(decode_content(ContentCoding::deflate, "\xff\xff\xff", kMost).error(),
              CodingFault::corrupt);
}

TEST(ContentCoding, KnowsWhatAFieldNames) {
    EXPECT_EQ(parse_content_coding(""), ContentCoding::identity);
    EXPECT_EQ(parse_content_coding("GZip"), ContentCoding::gzip);
    EXPECT_EQ(parse_content_coding("x-gzip"), ContentCoding::gzip);
    EXPECT_EQ(parse_content_coding("deflate"), ContentCoding::deflate);
    EXPECT_EQ(parse_content_coding("br"), std::nullopt);
    EXPECT_EQ(parse_content_coding("gzip, gzip"), std::nullopt);
}

TEST(ContentCoding, AnswersInWhatTheClientTakes) {
    EXPECT_EQ(choose_content_coding(""), ContentCoding::identity);
    EXPECT_EQ(choose_content_coding("br, gzip;q=0.5, deflate"), ContentCoding::gzip);
    EXPECT_EQ(choose_content_coding("gzip;q=0, deflate"), ContentCoding::deflate);
    EXPECT_EQ(choose_content_coding("gzip; q=0.0"), ContentCoding::identity);
    EXPECT_EQ(choose_content_coding("identity, *"), ContentCoding::identity);
}

}  // namespace
}  // namespace sluice::net
