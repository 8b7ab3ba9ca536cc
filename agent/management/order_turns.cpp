// Whose turn it is among the orders, and what becomes of one whose attempt failed: again, in its
// next window, or never.
#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "agent/clock.hpp"
#include "agent/management/order_book.hpp"
#include "agent/management/order_runner.hpp"
#include "agent/management/order_window.hpp"
#include "engine/net/log.hpp"

namespace sluice::agent::management {
namespace {

// What may pass is tried again: an ACS, an origin or a master that restarts is back by then. In
// halves of the least wait before a session's retry.
constexpr std::array<unsigned, 3> kRetryAfter{1, 4, 12};

constexpr std::chrono::seconds kIdleCheck{10};
constexpr std::uint32_t kIdlePercent = 50;

}  // namespace

// --- which one -----------------------------------------------------------------------------------

void OrderRunner::go_on() {
    if (current_ && current() == nullptr) drop_current();  // taken away under it
    if (current_ || is_asking_idle_) return;
    auto& state = parts_.ledger.state;
    // A trial decides first: its slot is not to be written over.
    if (find_upgrade_under_way(state) != nullptr || parts_.upgrader.slots().is_on_trial()) return;
    const auto now = parts_.clock.utc(monotonic_now());
    auto next = UtcTime{INT64_MAX};
    std::optional<std::uint32_t> for_idle;
    for (const auto& order : state.orders) {
        const auto turn = turn_of(order, now);
        if (turn.turn == Turn::now) return begin(order);
        if (turn.turn == Turn::when_idle && !for_idle) for_idle = order.number;
        if (turn.turn == Turn::missed)
            return finish(order.number, {cwmp::FaultCode::outside_window,
                                         order.note.empty() ? "its windows are over" : order.note});
        next = std::min(next, turn.at);
    }
    if (for_idle) return begin_if_idle(*for_idle);
    if (state.orders.empty()) return;
    timer_.set(std::chrono::seconds(next.seconds - now.seconds), [this] { go_on(); });
}

void OrderRunner::begin_if_idle(std::uint32_t number) {
    is_asking_idle_ = true;
    const auto on_idle = [this, number](bool is_idle) {
        is_asking_idle_ = false;
        const auto* order = find_order(parts_.ledger.state, number);
        const auto now = parts_.clock.utc(monotonic_now());
        const auto turn = order != nullptr ? turn_of(*order, now) : TurnOf{Turn::missed, now};
        const bool is_still_open = turn.turn == Turn::when_idle;
        if (is_still_open && is_idle) return begin(*order);
        // Looked at again then, for the others' turns may come meanwhile.
        const Duration left = std::chrono::seconds(turn.at.seconds - now.seconds);
        timer_.set(is_still_open ? std::min<Duration>(left, kIdleCheck) : Duration(),
                   [this] { go_on(); });
    };
    if (!parts_.settings.idle_command.empty()) return parts_.upgrader.check_idle(on_idle);
    boost::asio::post(parts_.io, [this, on_idle] { on_idle(parts_.cpu.percent() < kIdlePercent); });
}

void OrderRunner::begin(const Order& order) {
    current_ = order.number;
    retries_ = 0;
    has_fetched_again_ = false;
    began_ = monotonic_now();
    parts_.ledger.state.last.state = "Idle";
    net::log_info("order begun", {{"key", order.command_key}, {"url", order.url}});
    parts_.report.write("begun", {{"key", order.command_key}});
    activity_ = "Fetching";
    if (order.has_windows) {
        const auto now = parts_.clock.utc(began_);
        const auto end = turn_of(order, now).at;
        window_alarm_.set(std::chrono::seconds(end.seconds - now.seconds),
                          [this] { end_of_window(); });
    }
    attempt();
}

// What is being installed or applied goes through; the rest waits for the next window, if any.
void OrderRunner::end_of_window() {
    auto* order = current();
    if (order == nullptr || activity() != "Fetching") return;
    order->note = "not done within its window";
    drop_current();
    go_on();
}

void OrderRunner::attempt() {
    const auto* order = current();
    if (order == nullptr) return;
    const bool is_image = order->kind == OrderKind::upgrade || order->kind == OrderKind::stage;
    if (is_image) return ask_source();
    files_.start(*order, parts_.clock.utc(monotonic_now()),
                 [this](const Result<FileOrders::Done, TransferFault>& r) { on_file_done(r); });
}

// --- an attempt that failed
// -----------------------------------------------------------------------

void OrderRunner::fail_or_retry(const TransferFault& fault) {
    const auto* order = current();
    if (order == nullptr) return;
    const auto now = parts_.clock.utc(monotonic_now());
    const auto* const window = open_window(*order, now);
    const auto most = window == nullptr || window->most_retries < 0
                          ? kRetryAfter.size()
                          : static_cast<std::size_t>(window->most_retries);
    if (fault.is_passing && retries_ < most) {
        const auto after = kRetryAfter[std::min<std::size_t>(retries_++, kRetryAfter.size() - 1)];
        const auto wait = std::chrono::milliseconds(500) * parts_.settings.retry_minimum_s * after;
        net::log_info("order waits", {{"why", fault.why}, {"ms", std::to_string(wait.count())}});
        return timer_.set(wait, [this] { attempt(); });
    }
    give_up(fault);
}

void OrderRunner::give_up(const TransferFault& fault) {
    if (!fault.is_passing || !waits_for_next_window(fault)) fail(fault);
}

// True: there is one, and the order is put back until then.
bool OrderRunner::waits_for_next_window(const TransferFault& fault) {
    auto* order = current();
    const auto now = parts_.clock.utc(monotonic_now());
    const bool has_next = std::ranges::any_of(
        order->windows, [&](const OrderWindow& window) { return window.start > now; });
    if (!has_next) return false;
    std::erase_if(order->windows, [&](const OrderWindow& window) { return window.start <= now; });
    order->note = std::to_string(code_of(fault.code)) + " " + fault.why;
    drop_current();
    parts_.ledger.save();
    go_on();
    return true;
}

}  // namespace sluice::agent::management
