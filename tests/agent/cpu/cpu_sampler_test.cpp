#include "agent/cpu_sampler.hpp"

#include <gtest/gtest.h>

namespace sluice::agent {
namespace {

TEST(CpuSampler, CountsEverythingButIdleAndIowaitAsBusy) {
    const auto times = parse_cpu_times("cpu  10 1 20 300 40 5 6 7 8 9\ncpu0 1 1 1 1\n");
    ASSERT_TRUE(times);
    EXPECT_EQ(times->all, 389u);
    EXPECT_EQ(times->busy, 49u);
    EXPECT_FALSE(parse_cpu_times("intr 1"));
    EXPECT_FALSE(parse_cpu_times("cpu  1 2 3"));
}

TEST(CpuSampler, SaysTheShareOfBusyTicksBetweenTwoLooks) {
    EXPECT_EQ(load_between({50, 100}, {75, 200}), 25.0);
    EXPECT_EQ(load_between({0, 0}, {200, 100}), 100.0);
}

TEST(CpuSampler, SaysNothingWhenACounterWentBackOrNoTimePassed) {
    EXPECT_EQ(load_between({50, 100}, {49, 200}), std::nullopt);
    EXPECT_EQ(load_between({50, 100}, {50, 99}), std::nullopt);
    EXPECT_EQ(load_between({50, 100}, {50, 100}), std::nullopt);
}

}  // namespace
}  // namespace sluice::agent
