#include "agent/management/alarm.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace sluice::agent::management {

struct Alarm::Timer {
    explicit Timer(boost::asio::io_context& io) : timer(io) {}
    boost::asio::steady_timer timer;
};

Alarm::Alarm(boost::asio::io_context& io) : timer_(std::make_unique<Timer>(io)) {}
Alarm::~Alarm() = default;

void Alarm::set(Duration from_now, std::function<void()> then) {
    timer_->timer.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(
        std::max(from_now, Duration::zero())));
    timer_->timer.async_wait([then = std::move(then)](boost::system::error_code error) {
        if (!error) then();
    });
}

void Alarm::cancel() {
    timer_->timer.cancel();
}

}  // namespace sluice::agent::management
