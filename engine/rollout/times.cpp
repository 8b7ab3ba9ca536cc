// When it is whose turn, and when no word becomes a verdict: questions on what stands, without
// effects.

#include <algorithm>

#include "engine/rollout/rollout.hpp"

namespace sluice::rollout {
namespace {

// Not yet ordered, or between two orders: it must come to a session to go on.
constexpr bool is_to_come(State state) {
    return state == State::waiting || state == State::due || state == State::retrying;
}

// The part of `of` that a key stands for; the upper half, as the lower one orders.
Duration part_of(Duration of, std::uint64_t key) {
    const auto parts = static_cast<std::int64_t>(key >> 44);  // of 2^20
    return Duration((of.count() >> 20) * parts);
}

}  // namespace

bool Rollout::is_in_wave(const Entry& e, Instant now) const {
    return waves_.is_open(e.who.wave, now);
}

Span Rollout::span_of(const Entry& e, Instant now) const {
    return clocks_[e.who.zone.value].at_or_after(now);
}

// Wave and window are open; whoever has started once asks no more of its jitter.
bool Rollout::is_within(const Entry& e, Instant now) const {
    return is_in_wave(e, now) && span_of(e, now).from <= now;
}

// `now`, or the time before which there is nothing for it; for ever if that is not known.
Instant Rollout::may_start_at(const Entry& e, Instant now) const {
    const auto opened = waves_.stand(e.who.wave).opened;
    if (opened == Instant::never()) return opened;
    const auto from = std::max(now, opened);
    const auto span = span_of(e, from);
    if (e.is.orders > 0 || policy_.jitter == Duration{}) return std::max(from, span.from);
    // Within a window, its own part of the window at most: else some would never begin.
    const auto begins = std::max(span.from, opened);
    const auto room =
        span.to == Instant::never() ? policy_.jitter : std::min(policy_.jitter, span.to - begins);
    return std::max(from, begins + part_of(room, e.who.key));
}

Instant Rollout::lost_at(const Entry& e) const {
    if (!is_to_come(e.is.state)) return Instant::never();
    const auto patience =
        is_unreachable(e) ? policy_.order_timeout : policy_.commit_timeout + policy_.order_timeout;
    const auto since = std::max({e.is.heard, e.place.planned, waves_.stand(e.who.wave).opened});
    return since == Instant::never() ? since : since + patience;
}

Instant Rollout::not_before(const Entry& e) const {
    const bool is_waiting_out = e.is.state == State::retrying || e.is.fault != 0;
    return is_waiting_out ? e.is.changed + back_off(policy_, e.is.attempts) : Instant{};
}

// When no word from the device becomes a verdict; never before commit_timeout for one that may be
// on the new image.
Instant Rollout::silent_at(const Entry& e) const {
    const auto last = std::max(e.is.heard, e.is.changed);
    const auto opened = waves_.stand(e.who.wave).opened;
    // Who prepares it waits for it, and has limits of his own.
    if (is_guarded(e) && e.is.state != State::cancelling) return Instant::never();
    switch (e.is.state) {
        case State::ordered:
        case State::fetching:
        case State::activating:
        case State::rebooting:
            // Beside it what a poll once a day may be late.
            return last + policy_.commit_timeout + policy_.order_timeout;
        case State::cancelling:  // told to drop it when it comes; it may be on the new image
            return is_halted_ ? last + policy_.commit_timeout + policy_.order_timeout
                              : Instant::never();
        case State::trial:
            return e.is.changed + policy_.commit_timeout;
        case State::staged:
            return last + policy_.patience;
        case State::waiting:
        case State::due:
        case State::retrying:
            if (opened == Instant::never()) return Instant::never();
            // That its site has no permit yet is not its fault, if it waits to be called.
            if (e.who.is_callable && !e.is_planned) return Instant::never();
            return std::max({e.is.heard, e.place.planned, opened}) + policy_.patience;
        default:
            return Instant::never();
    }
}

// An order is out: when a call may help. An answer takes no longer than a moment.
Instant Rollout::nudge_at(const Entry& e) const {
    switch (e.is.state) {
        case State::ordered:
        case State::activating:
            if (e.who.kind == inventory::DeviceKind::agent && !e.is.is_taken)
                return e.is.given + policy_.first_back_off;
            [[fallthrough]];
        case State::fetching:
        case State::rebooting:
        case State::trial:
            return std::max(e.is.heard, e.is.changed) + policy_.order_timeout;
        default:
            return Instant::never();
    }
}

bool Rollout::wants_session(const Entry& e, Instant now) const {
    if (e.is_forgotten) return false;
    // To take back what is out is worth a call at any time.
    if (e.is.state == State::cancelling) return true;
    // Who prepares it calls it himself.
    if (is_stopped() || e.is.guard == Guard::preparing) return false;
    if (e.is.state == State::due) return true;
    return may_activate(e, now) || (now >= nudge_at(e) && is_within(e, now));
}

bool Rollout::wants_contact(Member member, Instant now) const {
    return wants_session(at(member), now);
}

bool Rollout::stands(Member member, std::uint32_t order, bool is_cancel) const {
    const auto& e = at(member);
    if (e.is_forgotten || e.is.orders != order) return false;
    if (is_cancel) return e.is.state == State::cancelling;
    const bool is_out = e.is.state == State::ordered || e.is.state == State::fetching ||
                        e.is.state == State::activating;
    return is_out && !is_stopped();
}

// The next time at which anything of it may be different.
Instant Rollout::next_look(const Entry& e, const Site& site, Instant now) const {
    auto next = Instant::never();
    const auto consider = [&](Instant t) {
        if (t > now) next = std::min(next, t);
    };
    consider(silent_at(e));
    consider(nudge_at(e));
    if (is_to_come(e.is.state) || e.is.state == State::staged) {
        consider(may_start_at(e, now));
        if (!policy_.windows.empty() && is_in_wave(e, now)) {
            const auto span = span_of(e, now);
            consider(span.from > now ? span.from : span.to);
        }
    }
    if (!site.is_planned) return next;
    consider(not_before(e));
    consider(lost_at(e));
    consider(e.is.heard + policy_.order_timeout);
    consider(e.place.planned + policy_.drain_max);
    consider(site.permitted + policy_.order_timeout);
    if (e.is.fetched != Instant{}) consider(e.is.fetched + policy_.drain_max);
    return next;
}

}  // namespace sluice::rollout
