#include "engine/net/log.hpp"

#include <gmock/gmock.h>

namespace sluice::net {
namespace {

using testing::internal::CaptureStderr;
using testing::internal::GetCapturedStderr;

std::string logged(LogFormat format, LogLevel least) {
    CaptureStderr();
    open_log("program", format, least);
    log_info("a \"thing\" happened", {{"source", "1"}, {"why", "two words\n"}});
    return GetCapturedStderr();
}

TEST(Log, WritesOneLineOfTextAnEvent) {
    EXPECT_THAT(logged(LogFormat::text, LogLevel::info),
                testing::MatchesRegex(
                    ".*Z info program: a \"thing\" happened source=1 why=\"two words\\\\n\"\n"));
}

TEST(Log, WritesValidJsonWhateverTheText) {
    EXPECT_THAT(logged(LogFormat::json, LogLevel::info),
                testing::EndsWith("\"level\":\"info\",\"program\":\"program\",\"message\":"
                                  "\"a \\\"thing\\\" happened\",\"source\":\"1\","
                                  "\"why\":\"two words\\n\"}\n"));
    EXPECT_EQ(escape_json(std::string_view("\x01\xff\\\0", 4)), "\\u0001\\u00ff\\\\\\u0000");
}

TEST(Log, KeepsQuietBelowTheLeastLevel) {
    EXPECT_EQ(logged(LogFormat::text, LogLevel::warning), "");
}

}  // namespace
}  // namespace sluice::net
