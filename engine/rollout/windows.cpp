#include "engine/rollout/windows.hpp"

#include <algorithm>

namespace sluice::rollout {
namespace {

constexpr std::int64_t kDay = 86400;

Instant instant_of(UtcTime t) {
    return {std::chrono::seconds(t.seconds)};
}

}  // namespace

WindowClock::WindowClock(std::vector<Window> windows, const PosixZone& zone)
    : windows_(std::move(windows)), zone_(zone) {}

Span WindowClock::at_or_after(Instant t) const {
    if (windows_.empty()) return {};
    if (t < asked_ || t >= found_.to) {
        found_ = look(t);
        asked_ = t;
    }
    return found_;
}

// A week and a day ahead hold every window; the night before may have one that still lasts.
Span WindowClock::look(Instant t) const {
    const auto now = std::chrono::floor<std::chrono::seconds>(t.since_start).count();
    const auto local = now + zone_.offset_at({now});
    const auto today = local / kDay - (local % kDay < 0 ? 1 : 0);
    Span out{Instant::never(), Instant::never()};
    for (std::int64_t day = today - 1; day <= today + 8; ++day)
        for (const auto& w : windows_) {
            if (((w.days >> weekday_of(day)) & 1) == 0) continue;
            const auto ends = day * kDay + w.to * 60 + (w.to <= w.from ? kDay : 0);
            const Span span{instant_of(zone_.moment_of(day * kDay + w.from * 60)),
                            instant_of(zone_.moment_of(ends))};
            if (span.to <= t) continue;
            const bool is_open = span.from <= t, was_open = out.from <= t;
            if (is_open ? !was_open || span.to > out.to : !was_open && span.from < out.from)
                out = span;
        }
    return out;
}

}  // namespace sluice::rollout
