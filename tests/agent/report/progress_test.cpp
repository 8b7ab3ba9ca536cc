#include "agent/progress.hpp"

#include <gtest/gtest.h>

namespace sluice::agent {
namespace {

TEST(Progress, SaysHowFarHowFastAndHowLongStill) {
    EXPECT_EQ(
        format_progress("gw3-4.2", 15'000'000, 30'000'000, 12.5e6),
        "gw3-4.2 [###############---------------]  50 %  15.0 of 30.0 MB  12.5 MB/s  0:01 left");
    EXPECT_EQ(format_progress("gw3-4.2", 30'000'000, 30'000'000, 12.5e6),
              "gw3-4.2 [##############################] 100 %  30.0 of 30.0 MB  12.5 MB/s");
}

TEST(Progress, CountsHoursAndPromisesNothingWithoutARate) {
    EXPECT_EQ(format_progress("x", 0, 36'610'000, 1e4),
              "x [------------------------------]   0 %  0.0 of 36.6 MB  0.0 MB/s  1:01:01 left");
    EXPECT_EQ(format_progress("x", 0, 36'610'000, 0),
              "x [------------------------------]   0 %  0.0 of 36.6 MB  0.0 MB/s");
    EXPECT_EQ(format_progress("x", 0, 36'610'000, 1),
              "x [------------------------------]   0 %  0.0 of 36.6 MB  0.0 MB/s");
}

TEST(Progress, DrawsABarOnATerminalAndEndsItsLine) {
    testing::internal::CaptureStderr();
    {
        Progress progress("x", 0, 200, true, Instant{});
        progress.add(100, Instant{1ms});  // too soon to be drawn
        progress.add(100, Instant{2s});
        progress.close();
    }
    EXPECT_EQ(testing::internal::GetCapturedStderr(),
              "\r\x1b[Kx [------------------------------]   0 %  0.0 of 0.0 MB  0.0 MB/s"
              "\r\x1b[Kx [##############################] 100 %  0.0 of 0.0 MB  0.0 MB/s\n");
}

}  // namespace
}  // namespace sluice::agent
