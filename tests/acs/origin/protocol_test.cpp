// What devices ask of the origin, and what they get.

#include <gmock/gmock.h>

#include "tests/acs/origin/origin_rig.hpp"

namespace sluice::origin {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr char kAccept[] = "Accept: application/vnd.sluice.assignment.v1+json\r\n";

std::string etag_of(const tests::RawClient::Answer& answer) {
    const auto at = answer.head.find("ETag: ") + 6;
    return answer.head.substr(at, answer.head.find("\r\n", at) - at);
}

class Protocol : public testing::Test {
protected:
    void SetUp() override { rig.start(); }
    OriginRig rig;
};

TEST_F(Protocol, GivesTheImageToWhoHoldsAToken) {
    const auto answer = rig.ask("/p/a1/gw3.bin");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, rig.text());
    EXPECT_THAT(answer.head,
                AllOf(HasSubstr("ETag: \"" + rig.tokens.row.id + "\"\r\n"),
                      HasSubstr("Accept-Ranges: bytes"), HasSubstr("Content-Length: 150000\r\n")));
}

TEST_F(Protocol, GivesTheLayerBesideIt) {
    const auto answer = rig.ask("/p/a1/gw3.bin.layer");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, as_text(rig.layer));
    EXPECT_NE(etag_of(answer), etag_of(rig.ask("/p/a1/gw3.bin")));
}

TEST_F(Protocol, AnswersRangesAndClampsWhatIsTooLong) {
    const struct {
        std::string range;
        int status;
        std::size_t begin, end;
    } cases[] = {
        {"bytes=0-0", 206, 0, 1},
        {"bytes=65536-131071", 206, 65536, 131072},
        {"bytes=149999-", 206, 149999, 150000},
        {"bytes=-10", 206, 149990, 150000},
        {"bytes=-999999999999", 206, 0, 150000},
        {"bytes=100000-18446744073709551615", 206, 100000, 150000},
        {"bytes=0-9,20-29", 200, 0, 150000},
        {"bytes=9-0", 200, 0, 150000},
        {"lines=1-2", 200, 0, 150000},
    };
    for (const auto& c : cases) {
        const auto answer = rig.ask("/p/a1/gw3.bin", "Range: " + c.range + "\r\n");
        EXPECT_EQ(answer.status, c.status) << c.range;
        EXPECT_EQ(answer.body, rig.text().substr(c.begin, c.end - c.begin)) << c.range;
    }
    const auto beyond = rig.ask("/p/a1/gw3.bin", "Range: bytes=150000-\r\n");
    EXPECT_EQ(beyond.status, 416);
    EXPECT_THAT(beyond.head, HasSubstr("Content-Range: bytes */150000"));
}

TEST_F(Protocol, AnswersHeadWithTheLengthAlone) {
    const auto answer = rig.ask("/p/a1/gw3.bin", "Range: bytes=0-9\r\n", "HEAD");
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.head, HasSubstr("Content-Length: 150000\r\n"));
    EXPECT_EQ(answer.body, "");
    EXPECT_EQ(rig.sent_to("home-a"), 0u);
}

TEST_F(Protocol, SendsNothingTwiceToWhoHasIt) {
    const auto tag = "\"" + rig.tokens.row.id + "\"";
    EXPECT_EQ(rig.ask("/p/a1/gw3.bin", "If-None-Match: " + tag + "\r\n").status, 304);
    EXPECT_EQ(rig.ask("/p/a1/gw3.bin", "If-None-Match: \"other\"\r\n").status, 200);
    const auto range = std::string("Range: bytes=0-9\r\nIf-Range: ");
    EXPECT_EQ(rig.ask("/p/a1/gw3.bin", range + tag + "\r\n").status, 206);
    EXPECT_EQ(rig.ask("/p/a1/gw3.bin", range + "\"other\"\r\n").status, 200);
}

TEST_F(Protocol, GivesTheAssignmentToWhoAsksForItsType) {
    const auto answer = rig.ask("/p/a1/gw3.bin", kAccept);
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.head,
                AllOf(HasSubstr("Content-Type: application/vnd.sluice.assignment.v1+json"),
                      HasSubstr("Cache-Control: no-store"), HasSubstr("Vary: Accept")));
    EXPECT_EQ(planning::parse_assignment(answer.body).value().short_id, "a1");
    EXPECT_EQ(rig.sent_to("home-a"), 0u) << "an Assignment is no payload";
    EXPECT_EQ(rig.ask("/p/a1/gw3.bin", "Accept: */*\r\n").body, rig.text());
}

TEST_F(Protocol, TagsAnAssignmentByWhatItSaysAndNotByWhen) {
    const auto tag = etag_of(rig.ask("/p/a1/gw3.bin", kAccept));
    rig.wall_ms += 5000;
    const auto same = rig.ask("/p/a1/gw3.bin", kAccept + ("If-None-Match: " + tag) + "\r\n");
    EXPECT_EQ(same.status, 304);
    EXPECT_NE(etag_of(rig.ask("/p/a2/gw3.bin", kAccept)), tag);
}

TEST_F(Protocol, AsksToComeBackWhereThereIsNoAssignmentYet) {
    const auto answer = rig.ask("/p/none/gw3.bin", kAccept);
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(answer.head, HasSubstr("Retry-After"));
    EXPECT_THAT(answer.body, Not(HasSubstr("plan"))) << "the reason is for the log";
}

TEST_F(Protocol, TellsUnknownFromOver) {
    EXPECT_EQ(rig.ask("/p/unknown/gw3.bin").status, 404);
    EXPECT_EQ(rig.ask("/p/over/gw3.bin").status, 410);
    EXPECT_EQ(rig.ask("/p/over/gw3.bin", kAccept).status, 410);
}

TEST_F(Protocol, KnowsNoOtherResources) {
    for (const auto* target :
         {"/", "/p/", "/p/a1", "/p/a1/", "/p/a1/.hidden", "/p/a1/../a1/gw3.bin", "/p/a1/a/b",
          "/p/a1/gw3%2ebin", "/p//gw3.bin", "/q/a1/gw3.bin", "/p/a1/gw3.bin\xff"})
        EXPECT_EQ(rig.ask(target).status, 404) << target;
    EXPECT_EQ(rig.ask("/p/" + std::string(65, 'a') + "/gw3.bin").status, 404);
    EXPECT_EQ(rig.ask("/p/a1/gw3.bin", "Content-Length: 0\r\n", "POST").status, 405);
    EXPECT_EQ(rig.ask("/p/a1/gw3.bin?mac=00", "").status, 200) << "plain CPEs append their own";
}

TEST(Configuration, HasNoLayer) {
    OriginRig rig;
    rig.tokens.row.is_firmware = false;
    rig.start();
    EXPECT_EQ(rig.ask("/p/a1/gw3.cfg").status, 200);
    EXPECT_EQ(rig.ask("/p/a1/gw3.cfg.layer").status, 404);
}

TEST(LostFile, IsAnAnswerAndNotTheEndOfTheServer) {
    OriginRig rig;
    rig.start();
    std::filesystem::remove(rig.folder.path() + "/" + rig.tokens.row.id + ".img");
    EXPECT_EQ(rig.ask("/p/a1/gw3.bin").status, 500);
    EXPECT_EQ(rig.ask("/p/a1/gw3.bin.layer").status, 200);
}

}  // namespace
}  // namespace sluice::origin
