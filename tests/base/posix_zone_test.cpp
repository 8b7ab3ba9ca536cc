#include "engine/base/posix_zone.hpp"

#include <gtest/gtest.h>

#include "engine/base/utc.hpp"

namespace sluice {
namespace {

PosixZone zone(std::string_view text) {
    auto parsed = PosixZone::parse(text);
    EXPECT_TRUE(parsed.has_value()) << text << ": " << parsed.error().message;
    return parsed.has_value() ? parsed.value() : PosixZone{};
}

UtcTime utc(std::string_view text) {
    return parse_utc(text).value();
}

TEST(PosixZone, KnowsSummerTimeToTheSecond) {
    struct Case {
        const char* zone;
        const char* before;  // the last second of one offset
        int hours_before, hours_after;
    };
    const Case cases[] = {
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T00:59:59Z", 1, 2},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T00:59:59Z", 2, 1},
        {"EST5EDT,M3.2.0,M11.1.0", "2026-03-08T06:59:59Z", -5, -4},
        {"EST5EDT", "2026-11-01T05:59:59Z", -4, -5},
        // South of the equator: summer goes over the new year.
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-04-04T15:59:59Z", 11, 10},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-10-03T15:59:59Z", 10, 11},
        // Days of the year; J60 is the first of March in every year, 59 in others only.
        {"AAA0BBB,J60/0,J300/0", "2028-02-29T23:59:59Z", 0, 1},
        {"AAA0BBB,J60/0,J300/0", "2027-02-28T23:59:59Z", 0, 1},
        {"AAA0BBB,59/0,300/0", "2028-02-28T23:59:59Z", 0, 1},
        // A time of the day before, as Greenland has it.
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T00:59:59Z", -2, -1},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(std::string(c.zone) + " " + c.before);
        const auto last = utc(c.before);
        EXPECT_EQ(zone(c.zone).offset_at(last), c.hours_before * 3600);
        EXPECT_EQ(zone(c.zone).offset_at({last.seconds + 1}), c.hours_after * 3600);
    }
}

TEST(PosixZone, WithoutSummerTimeIsAlwaysTheSame) {
    EXPECT_EQ(zone("UTC0").offset_at({0}), 0);
    EXPECT_EQ(zone("IST-5:30").offset_at(utc("2026-07-01T00:00:00Z")), 19800);
    EXPECT_EQ(zone("<+0330>-3:30").offset_at({0}), 12600);
    EXPECT_EQ(zone("<-04>4").offset_at({0}), -14400);
}

TEST(PosixZone, FindsTheMomentThatClocksShow) {
    const auto berlin = zone("CET-1CEST,M3.5.0,M10.5.0/3");
    const auto local = [](std::string_view text) { return utc(text).seconds; };
    EXPECT_EQ(berlin.moment_of(local("2026-07-01T02:00:00Z")), utc("2026-07-01T00:00:00Z"));
    EXPECT_EQ(berlin.moment_of(local("2026-01-01T02:00:00Z")), utc("2026-01-01T01:00:00Z"));
    // 02:30 does not exist in that night; 02:30 exists twice in this one.
    EXPECT_EQ(berlin.moment_of(local("2026-03-29T02:30:00Z")), utc("2026-03-29T01:30:00Z"));
    EXPECT_EQ(berlin.moment_of(local("2026-10-25T02:30:00Z")), utc("2026-10-25T00:30:00Z"));
}

TEST(PosixZone, RefusesWhatIsNone) {
    for (const char* text :
         {"", "CE-1", "CET", "CET-", "CET-25", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
          "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J300",
          "CET-1CEST,M3.5.0,M10.5.0/3x", "CET-1CEST,M3.5.0/168,M10.5.0", "Europe/Berlin", "<+01-1",
          "CET-1:60", "CET-1CEST,,"})
        EXPECT_FALSE(PosixZone::parse(text).has_value()) << text;
}

}  // namespace
}  // namespace sluice
