#include "engine/cwmp/cpe_schedule.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/base/overloaded.hpp"

namespace sluice::cwmp {
namespace {

constexpr std::uint32_t kLastGrowingRetry = 10;
constexpr Duration kShortestInterval = 1s;

Instant after(Instant now, Duration wait) {
    return wait < Instant::never() - now ? now + wait : Instant::never();
}

}  // namespace

void CpeSchedule::on(const ScheduleEvent& event, Instant now, ScheduleActions& out) {
    const auto silence_begins = [&] {
        silence_at_ = policy_.longest_silence == Duration{} ? Instant::never()
                                                            : after(now, policy_.longest_silence);
    };
    std::visit(Overloaded{
                   [&](const Booted& e) {
                       const auto spread = e.was_wanted ? Duration{} : policy_.boot_spread;
                       wanted_at_ = after(now, random_below(spread));
                       silence_begins();
                   },
                   [&](const ReportWanted&) { wanted_at_ = std::min(wanted_at_, now); },
                   [&](const ConnectionRequested&) { is_called_ = true; },
                   [&](const PeriodSet& e) { set_period(e, now); },
                   [&](const SessionEnded& e) {
                       if (!is_in_session_) return;
                       session_ended(e, now);
                       if (e.is_success) silence_begins();
                   },
                   [](const TimePassed&) {},
               },
               event);
    if (is_due(now)) begin(now, out);
}

// A session that failed is retried by its wait, and what else there is to report goes with it; only
// the ACS's own call comes before.
Instant CpeSchedule::next_deadline() const {
    if (is_in_session_) return Instant::never();
    if (failures_ > 0) return retry_at_;
    return std::min({wanted_at_, period_at_, silence_at_});
}

bool CpeSchedule::is_due(Instant now) const {
    return !is_in_session_ && (is_called_ || now >= next_deadline());
}

void CpeSchedule::begin(Instant now, ScheduleActions& out) {
    const bool is_period_over = now >= period_at_ || now >= silence_at_;
    while (now >= period_at_) {
        const auto missed = (now - period_at_) / interval_;
        period_at_ = after(period_at_, (missed + 1) * interval_);
    }
    // Not again before the session has ended, well or badly.
    if (now >= silence_at_) silence_at_ = Instant::never();
    wanted_at_ = Instant::never();
    is_in_session_ = true;
    out.push_back({failures_, is_period_over, std::exchange(is_called_, false)});
}

void CpeSchedule::session_ended(const SessionEnded& event, Instant now) {
    is_in_session_ = false;
    retry_at_ = Instant::never();
    if (event.is_success) {
        failures_ = 0;
        return;
    }
    if (failures_ < std::numeric_limits<std::uint32_t>::max()) ++failures_;
    const auto wait = std::max(retry_wait(), event.retry_after);
    retry_at_ = after(now, std::min(wait, policy_.longest_wait));
}

void CpeSchedule::set_period(const PeriodSet& event, Instant now) {
    period_at_ = Instant::never();
    if (event.interval == Duration{}) return;
    interval_ = std::max(event.interval, kShortestInterval);
    period_at_ = after(now, event.first_in ? *event.first_in : random_below(interval_));
}

Duration CpeSchedule::random_below(Duration limit) {
    if (limit <= Duration{}) return {};
    return Duration(
        static_cast<Duration::rep>(rng_.below(static_cast<std::uint64_t>(limit.count()))));
}

Duration CpeSchedule::retry_wait() {
    const double longest = static_cast<double>(policy_.longest_wait / 1s);
    double low = policy_.retry_m_seconds;
    double high = low * policy_.retry_k / 1000;
    for (std::uint32_t n = 1; n < std::min(failures_, kLastGrowingRetry) && high < longest; ++n) {
        low = high;
        high = low * policy_.retry_k / 1000;
    }
    const double seconds = low + rng_.uniform() * (high - low);
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

Duration until_period(UtcTime periodic_inform_time, UtcTime now, Duration interval) {
    const auto step = std::max<std::int64_t>(interval / 1s, 1);
    const auto since = (now.seconds - periodic_inform_time.seconds) % step;
    return std::chrono::seconds(since < 0 ? -since : step - since);
}

}  // namespace sluice::cwmp
