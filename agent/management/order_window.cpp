#include "agent/management/order_window.hpp"

#include <algorithm>

namespace sluice::agent::management {

const OrderWindow* open_window(const Order& order, UtcTime now) {
    const auto at = std::ranges::find_if(
        order.windows, [&](const OrderWindow& w) { return w.start <= now && now < w.end; });
    return at == order.windows.end() ? nullptr : &*at;
}

TurnOf turn_of(const Order& order, UtcTime now) {
    if (!order.has_windows) {
        if (order.not_before > now) return {Turn::later, order.not_before};
        return {Turn::now, UtcTime{INT64_MAX}};
    }
    if (const auto* const window = open_window(order, now))
        return {window->mode == WindowMode::when_idle ? Turn::when_idle : Turn::now, window->end};
    const auto next =
        std::ranges::find_if(order.windows, [&](const OrderWindow& w) { return w.start > now; });
    if (next == order.windows.end()) return {Turn::missed, now};
    return {Turn::later, next->start};
}

}  // namespace sluice::agent::management
