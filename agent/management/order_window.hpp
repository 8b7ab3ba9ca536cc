#pragma once
// When an order's turn is: at its time, or in its windows (ScheduleDownload). What the device does
// meanwhile is order_runner's business.

#include "agent/management/device_state.hpp"

namespace sluice::agent::management {

enum class Turn : std::uint8_t {
    later,      // at `at`
    now,        // until `at`; without windows, without end
    when_idle,  // now, if the device is idle; until `at`
    missed,     // its last window is over (9020)
};
struct TurnOf {
    Turn turn;
    UtcTime at;
    friend bool operator==(const TurnOf&, const TurnOf&) = default;
};
TurnOf turn_of(const Order& order, UtcTime now);

// The window that is open; null: none.
const OrderWindow* open_window(const Order& order, UtcTime now);

}  // namespace sluice::agent::management
