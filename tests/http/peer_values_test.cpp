#include <gmock/gmock.h>

#include "engine/http/conditional.hpp"
#include "engine/http/have.hpp"
#include "engine/http/target.hpp"

namespace sluice::http {
namespace {

const std::string kId(64, 'a');
const std::string kImages = "/v1/images/" + kId;

TEST(PeerTarget, NamesImageManifestLayerAndHave) {
    const struct {
        std::string target;
        PeerResource resource;
        std::uint32_t after, boot;
    } cases[] = {
        {kImages + "/firmware-1.2_x.bin", PeerResource::image, 0, 0},
        {kImages + "/image.bin?x=1", PeerResource::image, 0, 0},
        {kImages + "/manifest", PeerResource::manifest, 0, 0},
        {kImages + "/layer", PeerResource::layer, 0, 0},
        {kImages + "/have", PeerResource::have, 0, 0},
        {kImages + "/have?after=7", PeerResource::have, 7, 0},
        {kImages + "/have?after=7&boot=4294967295", PeerResource::have, 7, 4294967295u},
        {kImages + "/have?later=x&boot=1&&after=2", PeerResource::have, 2, 1},
    };
    for (const auto& c : cases) {
        const auto parsed = parse_peer_target(c.target);
        ASSERT_TRUE(parsed) << c.target;
        EXPECT_EQ(parsed->resource, c.resource) << c.target;
        EXPECT_EQ(parsed->after, c.after) << c.target;
        EXPECT_EQ(parsed->boot, c.boot) << c.target;
        EXPECT_EQ(parsed->image_id[31], 0xaa);
    }
}

TEST(PeerTarget, RefusesEveryOtherPath) {
    for (const auto& bad : {std::string{},
                            std::string("/"),
                            std::string("*"),
                            std::string("/v1/images/"),
                            kImages,
                            kImages + "/",
                            kImages + "/.hidden",
                            kImages + "/a/b",
                            kImages + "/a%20b",
                            kImages + "/..",
                            kImages + "x/have",
                            "/v2/images/" + kId + "/have",
                            "/v1/images/" + std::string(64, 'g') + "/have",
                            "/v1/images/" + std::string(63, 'a') + "/have",
                            kImages + "/" + std::string(65, 'n'),
                            kImages + "/have?after=-1",
                            kImages + "/have?after=4294967296",
                            kImages + "/have?after=",
                            kImages + "/have?after",
                            kImages + "/have?boot=1x",
                            kImages + "/have?" + std::string(600, 'x'),
                            "http://host" + kImages + "/have"})
        EXPECT_EQ(parse_peer_target(bad), std::nullopt) << bad;
}

TEST(PeerTarget, IsWrittenAsItIsRead) {
    PeerTarget target;
    target.image_id.fill(0x5c);
    for (const auto resource : {PeerResource::image, PeerResource::manifest, PeerResource::layer}) {
        target.resource = resource;
        EXPECT_EQ(parse_peer_target(format_peer_target(target)), target);
    }
    target.resource = PeerResource::have;
    target.after = 12;
    EXPECT_EQ(parse_peer_target(format_peer_target(target)), target);
    target.boot = 99;
    EXPECT_EQ(parse_peer_target(format_peer_target(target)), target);
}

TEST(Have, IsBootIdThenCountThenBitmapInNetworkOrder) {
    PieceSet pieces(10);
    pieces.insert(PieceIndex{0});
    pieces.insert(PieceIndex{9});
    const Bytes expected{0x01, 0x02, 0x03, 0x04, 0, 0, 0, 2, 0x80, 0x40};
    EXPECT_EQ(encode_have(0x01020304, pieces), expected);
    EXPECT_EQ(decode_have(expected, 10), (HaveAnswer{0x01020304, pieces}));
}

TEST(Have, RefusesAWrongLengthSpareBitsAndACountThatIsNotTheBits) {
    const Bytes good{1, 2, 3, 4, 0, 0, 0, 1, 0x80, 0};
    ASSERT_TRUE(decode_have(good, 10));
    EXPECT_FALSE(decode_have(good, 8));
    EXPECT_FALSE(decode_have(good, 17));
    EXPECT_FALSE(decode_have(ByteView(good).first(7), 10));
    EXPECT_FALSE(decode_have({}, 10));
    EXPECT_FALSE(decode_have(Bytes{1, 2, 3, 4, 0, 0, 0, 1, 0x80, 0x20}, 10));
    EXPECT_FALSE(decode_have(Bytes{1, 2, 3, 4, 0, 0, 0, 2, 0x80, 0}, 10));
    EXPECT_FALSE(decode_have(Bytes{1, 2, 3, 4, 0xff, 0, 0, 1, 0x80, 0}, 10));
}

TEST(EntityTag, IsFoundInAListWeaklyAndByStar) {
    const auto tag = strong_etag("abc");
    EXPECT_EQ(tag, "\"abc\"");
    for (const char* hit : {"\"abc\"", "*", "W/\"abc\"", "\"x\", \"abc\"", " \"x\" , W/\"abc\" "})
        EXPECT_TRUE(is_none_match_hit(hit, tag)) << hit;
    for (const char* miss :
         {"", "abc", "\"x\"", "\"abc", "W/", "W/abc", "\"x\" \"abc\"", ",", "\"a\",", "\"x\", abc"})
        EXPECT_FALSE(is_none_match_hit(miss, tag)) << miss;
}

TEST(IfRange, IsMetByOurStrongTagAlone) {
    const auto tag = strong_etag("abc");
    EXPECT_TRUE(is_if_range_met("", tag));
    EXPECT_TRUE(is_if_range_met("\"abc\"", tag));
    for (const char* other : {"W/\"abc\"", "\"x\"", "Sun, 06 Nov 1994 08:49:37 GMT"})
        EXPECT_FALSE(is_if_range_met(other, tag)) << other;
}

TEST(HttpDate, IsTheFixedFormOfTheRfc) {
    EXPECT_EQ(format_http_date(UtcTime{784111777}), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(format_http_date(UtcTime{0}), "Thu, 01 Jan 1970 00:00:00 GMT");
}

}  // namespace
}  // namespace sluice::http
