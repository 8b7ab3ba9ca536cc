// What stands between two requests, without a socket.

#include "engine/net/request_reader.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace sluice::net {
namespace {

using Progress = RequestReader::Progress;

const std::string kGet = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

Progress feed(RequestReader& reader, std::string_view bytes) {
    const auto room = reader.room();
    if (room.size() < bytes.size()) return Progress::bad;
    std::copy(bytes.begin(), bytes.end(), room.begin());
    reader.commit(bytes.size());
    return reader.parse();
}

TEST(RequestReader, SkipsAFewEmptyLinesBeforeEachRequest) {
    const HttpServerLimits limits;
    RequestReader reader(limits, {"::1"});
    for (int request = 0; request < 3; ++request) {
        for (int line = 0; line < 4; ++line) EXPECT_EQ(feed(reader, "\r\n"), Progress::need_more);
        EXPECT_FALSE(reader.has_begun());
        ASSERT_EQ(feed(reader, kGet), Progress::complete);
        EXPECT_EQ(reader.target(), "/a");
        reader.done();
    }
}

// Each costs a move of all that is behind it, and a line that is gone would not let time run.
TEST(RequestReader, RefusesAFloodOfEmptyLinesHoweverTheyCome) {
    const HttpServerLimits limits;
    RequestReader dripped(limits, {"::1"});
    auto progress = Progress::need_more;
    int lines = 0;
    for (; progress == Progress::need_more && lines < 100; ++lines)
        progress = feed(dripped, "\r\n");
    EXPECT_EQ(progress, Progress::bad);
    EXPECT_LE(lines, 6);
    EXPECT_EQ(dripped.error_status(), 400u);

    std::string flood;
    for (int line = 0; line < 400; ++line) flood += "\r\n";
    RequestReader flooded(limits, {"::1"});
    EXPECT_EQ(feed(flooded, flood), Progress::bad);
}

TEST(RequestReader, LetsTimeRunOnceItSkipsNoMore) {
    const HttpServerLimits limits;
    RequestReader reader(limits, {"::1"});
    for (int line = 0; line < 5; ++line) feed(reader, "\r\n");
    EXPECT_TRUE(reader.has_begun());
}

}  // namespace
}  // namespace sluice::net
