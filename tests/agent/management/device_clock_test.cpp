// What a device that starts in 1970 may believe of the time.
#include "agent/management/device_clock.hpp"

#include <gtest/gtest.h>

namespace sluice::agent::management {
namespace {

constexpr Instant kStart{1000s};

TEST(DeviceClock, CountsOnFromTheHighestFloorItWasTold) {
    DeviceClock clock(UtcTime{1'000'000}, kStart);
    EXPECT_EQ(clock.utc(kStart + 10s), UtcTime{1'000'010});
    clock.learn(UtcTime{2'000'000}, kStart + 20s);
    EXPECT_EQ(clock.utc(kStart + 30s), UtcTime{2'000'010});
}

// A wrong Date must not bar for good what expires.
TEST(DeviceClock, LetsTheAcsTakeItsWordBack) {
    DeviceClock clock(UtcTime{1'000'000}, kStart);
    clock.acs_said(UtcTime{4'000'000'000}, kStart);
    clock.acs_said(UtcTime{2'000'000}, kStart + 10s);
    EXPECT_EQ(clock.utc(kStart + 15s), UtcTime{2'000'005});
}

TEST(DeviceClock, NeverGoesBackBehindWhatIsProven) {
    DeviceClock clock(UtcTime{1'000'000}, kStart);
    clock.acs_said(UtcTime{500}, kStart);
    clock.learn(UtcTime{1'000'005}, kStart + 10s);
    EXPECT_EQ(clock.utc(kStart + 10s), UtcTime{1'000'010});
}

TEST(DeviceClock, KnowsWhetherTheAcsHasSpoken) {
    DeviceClock clock(UtcTime{1'000'000}, kStart);
    clock.learn(UtcTime{2'000'000}, kStart);
    EXPECT_FALSE(clock.has_acs_spoken());
    clock.acs_said(UtcTime{3'000'000}, kStart);
    EXPECT_TRUE(clock.has_acs_spoken());
}

// A certificate is not judged by what only a server's Date said.
TEST(DeviceClock, KeepsWhatTheAcsSaidApartFromWhatIsProven) {
    DeviceClock clock(UtcTime{1'000'000}, kStart);
    clock.acs_said(UtcTime{4'000'000'000}, kStart);
    EXPECT_EQ(clock.utc(kStart).seconds, 4'000'000'000);
    EXPECT_EQ(clock.proven(kStart).seconds, 1'000'000);
    clock.learn(UtcTime{2'000'000}, kStart);
    EXPECT_EQ(clock.proven(kStart + 5s).seconds, 2'000'005);
}

TEST(DeviceClock, DoesNotBelieveATimeThatMakesNoSense) {
    DeviceClock clock(UtcTime{1'000'000}, kStart);
    clock.acs_said(UtcTime{253'402'300'799}, kStart);  // 9999-12-31
    EXPECT_EQ(clock.utc(kStart).seconds, 1'000'000);
    EXPECT_TRUE(clock.has_acs_spoken());
}

TEST(DeviceClock, BeginsInTheMonthOfItsBuild) {
    EXPECT_GT(build_date().seconds, 1'700'000'000);  // 2023
}

TEST(HttpDate, IsReadInTheFormThatServersSend) {
    EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), UtcTime{784111777});
    for (const auto* text : {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nox 1994 08:49:37 GMT",
                             "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET"})
        EXPECT_EQ(parse_http_date(text), UtcTime{}) << text;
}

}  // namespace
}  // namespace sluice::agent::management
