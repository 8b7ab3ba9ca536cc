#include "acs-plugin/rest/log_pace.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>

namespace sluice::rest {

struct LogPace::Impl : std::enable_shared_from_this<Impl> {
    Impl(boost::asio::io_context& io, Duration p, Duration u, std::function<bool(Instant)> l)
        : poll(p), poll_unasked(u), look(std::move(l)), timer(io) {}

    void arm() {
        if (is_armed) return;
        is_armed = true;
        timer.expires_after(poll);
        timer.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
            const auto self = weak.lock();
            if (!self || ec) return;
            self->is_armed = false;
            const auto at = LogPace::now();
            if (at - self->told >= self->poll_unasked) {
                ++self->round;
                self->told = at;
            }
            if (self->look(at)) self->arm();
        });
    }

    const Duration poll, poll_unasked;
    const std::function<bool(Instant)> look;
    boost::asio::steady_timer timer;
    std::uint64_t round = 1;
    Instant told;
    bool is_armed = false;
};

LogPace::LogPace(boost::asio::io_context& io, Duration poll, Duration poll_unasked,
                 std::function<bool(Instant)> look)
    : impl_(std::make_shared<Impl>(io, poll, poll_unasked, std::move(look))) {}
LogPace::~LogPace() {
    impl_->timer.cancel();
}

void LogPace::start() {
    impl_->arm();
}
void LogPace::wake() {
    ++impl_->round;
}
std::uint64_t LogPace::round() const {
    return impl_->round;
}
Instant LogPace::now() {
    return {std::chrono::steady_clock::now().time_since_epoch()};
}

}  // namespace sluice::rest
