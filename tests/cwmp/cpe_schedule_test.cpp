#include "engine/cwmp/cpe_schedule.hpp"

#include <gmock/gmock.h>

namespace sluice::cwmp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Rig {
    CpeSchedule schedule;
    Instant now{};

    explicit Rig(const SchedulePolicy& policy = {}, std::uint64_t seed = 1)
        : schedule(policy, seed) {}

    ScheduleActions say(const ScheduleEvent& event) {
        ScheduleActions out;
        schedule.on(event, now, out);
        return out;
    }
    // To the deadline: what begins there.
    ScheduleActions wait() {
        now = schedule.next_deadline();
        return say(TimePassed{});
    }
    // Started, and through its first session.
    void start() {
        say(Booted{});
        say(SessionEnded{true, {}});
    }
};

TEST(CpeSchedule, BeginsASessionAtBootWithinItsSpread) {
    Rig at_once;
    EXPECT_THAT(at_once.say(Booted{}), ElementsAre(BeginSession{}));
    Rig wanted({.boot_spread = 60s});
    EXPECT_THAT(wanted.say(Booted{true}), ElementsAre(BeginSession{}));

    Duration least = 60s, most = 0s;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        Rig spread({.boot_spread = 60s}, seed);
        spread.say(Booted{});
        least = std::min(least, spread.schedule.next_deadline() - Instant{});
        most = std::max(most, spread.schedule.next_deadline() - Instant{});
    }
    EXPECT_LT(least, 6s);
    EXPECT_GT(most, 54s);
    EXPECT_LT(most, 60s);
}

// TR-069 §3.2.1.1, table 3: 5–10, 10–20, … 2560–5120 s.
TEST(CpeSchedule, WaitsLongerAfterEachFailureUpToTheTenth) {
    const Duration lows[] = {5s, 10s, 20s, 40s, 80s, 160s, 320s, 640s, 1280s, 2560s, 2560s, 2560s};
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        Rig cpe({}, seed);
        cpe.say(Booted{});
        std::uint32_t retry = 0;
        for (const auto low : lows) {
            cpe.say(SessionEnded{false, {}});
            const auto wait = cpe.schedule.next_deadline() - cpe.now;
            EXPECT_GE(wait, low);
            EXPECT_LE(wait, 2 * low);
            ++retry;
            const auto begun = cpe.wait();
            ASSERT_EQ(begun.size(), 1u);
            EXPECT_EQ(begun[0].retry_count, retry);
        }
        cpe.say(SessionEnded{true, {}});
        EXPECT_THAT(cpe.say(ReportWanted{}), ElementsAre(BeginSession{}));
    }
}

TEST(CpeSchedule, DrawsItsWaitsApart) {
    std::vector<Duration> waits;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        Rig cpe({}, seed);
        cpe.say(Booted{});
        cpe.say(SessionEnded{false, {}});
        waits.push_back(cpe.schedule.next_deadline() - cpe.now);
    }
    std::ranges::sort(waits);
    EXPECT_EQ(std::ranges::adjacent_find(waits), waits.end());
}

TEST(CpeSchedule, WaitsAsLongAsTheAcsSaysButNotForEver) {
    Rig cpe;
    cpe.say(Booted{});
    cpe.say(SessionEnded{false, 100s});
    EXPECT_EQ(cpe.schedule.next_deadline() - cpe.now, 100s);
    cpe.wait();
    cpe.say(SessionEnded{false, 1s});
    EXPECT_GE(cpe.schedule.next_deadline() - cpe.now, 10s) << "the retry wait is longer";
    cpe.wait();
    cpe.say(SessionEnded{false, std::chrono::hours(24 * 365)});
    EXPECT_EQ(cpe.schedule.next_deadline() - cpe.now, Duration(24h));
}

TEST(CpeSchedule, BoundsItsWaitsWhateverTheMultiplierIs) {
    Rig cpe({.retry_m_seconds = 65'535, .retry_k = 65'535});
    cpe.say(Booted{});
    for (int i = 0; i < 20; ++i) {
        cpe.say(SessionEnded{false, {}});
        EXPECT_LE(cpe.schedule.next_deadline() - cpe.now, Duration(24h));
        cpe.wait();
    }
}

TEST(CpeSchedule, ComesAtOnceWhenCalledEvenInARetryWait) {
    Rig cpe;
    cpe.say(Booted{});
    cpe.say(SessionEnded{false, 3600s});
    EXPECT_THAT(cpe.say(ReportWanted{}), IsEmpty()) << "what there is to report waits";
    EXPECT_THAT(cpe.say(ConnectionRequested{}),
                ElementsAre(BeginSession{.retry_count = 1, .is_called = true}));
}

TEST(CpeSchedule, HasOneSessionAtATimeAndAnotherForWhatCameMeanwhile) {
    Rig cpe;
    cpe.say(Booted{});
    EXPECT_EQ(cpe.schedule.next_deadline(), Instant::never());
    EXPECT_THAT(cpe.say(ConnectionRequested{}), IsEmpty());
    EXPECT_THAT(cpe.say(ConnectionRequested{}), IsEmpty());
    EXPECT_THAT(cpe.say(ReportWanted{}), IsEmpty());

    EXPECT_THAT(cpe.say(SessionEnded{true, {}}), ElementsAre(BeginSession{.is_called = true}));
    EXPECT_THAT(cpe.say(SessionEnded{true, {}}), IsEmpty());
    cpe.say(ReportWanted{});
    cpe.say(ReportWanted{});
    EXPECT_THAT(cpe.say(SessionEnded{true, {}}), ElementsAre(BeginSession{}));
}

TEST(CpeSchedule, InformsAtItsPeriod) {
    Rig cpe;
    cpe.start();
    EXPECT_THAT(cpe.say(PeriodSet{600s, 100s}), IsEmpty());
    EXPECT_THAT(cpe.wait(), ElementsAre(BeginSession{.is_period_over = true}));
    EXPECT_EQ(cpe.now, Instant{} + 100s);
    cpe.now = cpe.now + 1300s;  // a session over two periods
    EXPECT_THAT(cpe.say(SessionEnded{true, {}}), ElementsAre(BeginSession{.is_period_over = true}));
    cpe.say(SessionEnded{true, {}});
    EXPECT_EQ(cpe.schedule.next_deadline(), Instant{} + 1900s);
    cpe.say(PeriodSet{});
    EXPECT_EQ(cpe.schedule.next_deadline() - cpe.now, Duration(24h)) << "silence alone";
}

TEST(CpeSchedule, SpreadsAPeriodWithoutATimeOverTheWholeInterval) {
    Duration least = 600s, most = 0s;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        Rig cpe({}, seed);
        cpe.start();
        cpe.say(PeriodSet{600s, {}});
        least = std::min(least, cpe.schedule.next_deadline() - cpe.now);
        most = std::max(most, cpe.schedule.next_deadline() - cpe.now);
    }
    EXPECT_LT(least, 60s);
    EXPECT_GT(most, 540s);
    EXPECT_LT(most, 600s);
}

TEST(CpeSchedule, TakesAPassedPeriodAlongWithARetry) {
    Rig cpe;
    cpe.start();
    cpe.say(PeriodSet{600s, 1s});
    cpe.say(ReportWanted{});
    cpe.say(SessionEnded{false, {}});
    EXPECT_THAT(cpe.wait(), ElementsAre(BeginSession{.retry_count = 1, .is_period_over = true}));
}

TEST(CpeSchedule, IsNeverSilentForMoreThanADay) {
    Rig cpe;
    cpe.start();
    EXPECT_THAT(cpe.wait(), ElementsAre(BeginSession{.is_period_over = true}));
    EXPECT_EQ(cpe.now - Instant{}, Duration(24h));
    cpe.say(SessionEnded{true, {}});
    EXPECT_EQ(cpe.schedule.next_deadline() - Instant{}, Duration(48h));

    Rig silent({.longest_silence = {}});
    silent.start();
    EXPECT_FALSE(silent.schedule.is_in_session());
    EXPECT_EQ(silent.schedule.next_deadline(), Instant::never());
}

TEST(CpeSchedule, CountsThePeriodFromPeriodicInformTime) {
    EXPECT_EQ(until_period({1000}, {1000}, 600s), Duration(600s));
    EXPECT_EQ(until_period({1000}, {1001}, 600s), Duration(599s));
    EXPECT_EQ(until_period({1000}, {5000}, 600s), Duration(200s));
    EXPECT_EQ(until_period({5000}, {1000}, 600s), Duration(400s));
    EXPECT_EQ(until_period({1000}, {400}, 600s), Duration(600s));
}

}  // namespace
}  // namespace sluice::cwmp
