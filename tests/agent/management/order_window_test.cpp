// When a scheduled order's turn is, second by second.
#include "agent/management/order_window.hpp"

#include <gtest/gtest.h>

namespace sluice::agent::management {
namespace {

constexpr UtcTime at(std::int64_t seconds) {
    return UtcTime{1'770'000'000 + seconds};
}

TEST(OrderWindow, OpensAndClosesAndOpensAgain) {
    Order order;
    order.has_windows = true;
    order.windows = {{at(10), at(20), WindowMode::immediately, 0},
                     {at(30), at(40), WindowMode::when_idle, 0}};
    struct Case {
        std::int64_t now;
        TurnOf turn;
    };
    for (const auto& c : {Case{0, {Turn::later, at(10)}}, Case{9, {Turn::later, at(10)}},
                          Case{10, {Turn::now, at(20)}}, Case{19, {Turn::now, at(20)}},
                          Case{20, {Turn::later, at(30)}}, Case{29, {Turn::later, at(30)}},
                          Case{30, {Turn::when_idle, at(40)}}, Case{39, {Turn::when_idle, at(40)}},
                          Case{40, {Turn::missed, at(40)}}, Case{4000, {Turn::missed, at(4000)}}})
        EXPECT_EQ(turn_of(order, at(c.now)), c.turn) << c.now;
    EXPECT_EQ(open_window(order, at(35)), &order.windows[1]);
    EXPECT_EQ(open_window(order, at(25)), nullptr);
}

TEST(OrderWindow, IsMissedWhereNoneIsLeft) {
    Order order;
    order.has_windows = true;
    EXPECT_EQ(turn_of(order, at(0)).turn, Turn::missed);
}

TEST(OrderWindow, IsNothingToAnOrderWithADelay) {
    Order order;
    order.not_before = at(10);
    EXPECT_EQ(turn_of(order, at(9)), (TurnOf{Turn::later, at(10)}));
    EXPECT_EQ(turn_of(order, at(10)).turn, Turn::now);
    EXPECT_EQ(turn_of(order, at(9'000'000)).turn, Turn::now) << "a delay has no end";
}

}  // namespace
}  // namespace sluice::agent::management
