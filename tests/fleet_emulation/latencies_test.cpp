#include "sim/fleet/latencies.hpp"

#include <gtest/gtest.h>

#include "engine/base/rng.hpp"

namespace sluice::sim::fleet {
namespace {

TEST(Latencies, AreZeroWhileThereAreNone) {
    const Latencies none;
    EXPECT_EQ(none.quantile(0.5), Duration{});
    EXPECT_EQ(none.longest(), Duration{});
}

TEST(Latencies, TellPercentilesWithinOneBucket) {
    Latencies all;
    for (int i = 1; i <= 10'000; ++i) all.add(std::chrono::microseconds(i * 37));
    for (const double share : {0.01, 0.5, 0.9, 0.99, 1.0}) {
        const auto right = 10'000 * share * 37;
        const auto told = std::chrono::duration<double, std::micro>(all.quantile(share)).count();
        EXPECT_GE(told, right) << share;
        EXPECT_LE(told, right * 1.02) << share;
    }
    EXPECT_EQ(all.longest(), 370ms);
    EXPECT_EQ(all.quantile(1), 370ms) << "never more than there was";
}

TEST(Latencies, KeepWhatIsShortExactAndWhatIsLongInBounds) {
    Latencies all;
    all.add(17us);
    EXPECT_EQ(all.quantile(0.5), 17us);
    all.add(std::chrono::hours(1'000'000));
    EXPECT_EQ(all.count(), 2u);
    EXPECT_GT(all.quantile(1), std::chrono::hours(1));
    all.add(-5us);
    EXPECT_EQ(all.quantile(0.1), 0us);
}

}  // namespace
}  // namespace sluice::sim::fleet
