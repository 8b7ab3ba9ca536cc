// How long a neighbour that owes an answer may be silent.
#include <gtest/gtest.h>

#include "agent/swarm/neighbour.hpp"

namespace sluice::agent::swarm {
namespace {

using namespace std::chrono_literals;

TEST(Patience, IsTwiceTheLongestWaitOfLate) {
    Patience patience;
    patience.was_kept_waiting(1200ms);
    EXPECT_EQ(patience.limit(), 2400ms);
    patience.was_kept_waiting(10ms);
    EXPECT_GT(patience.limit(), 2300ms) << "one quick answer makes no quick link";
    for (int i = 0; i < 1000; ++i) patience.was_kept_waiting(10ms);
    EXPECT_EQ(patience.limit(), 800ms) << "but many do";
}

TEST(Patience, HasBounds) {
    Patience patience;
    EXPECT_GE(patience.limit(), 800ms);
    patience.was_kept_waiting(60s);
    EXPECT_EQ(patience.limit(), 5s);
}

}  // namespace
}  // namespace sluice::agent::swarm
