// What follows from an event for the rest of the site: turns, permits, verdicts of silence, and the
// next time to look.

#include <algorithm>

#include "engine/rollout/rollout.hpp"

namespace sluice::rollout {
namespace {

// Sites planned in one event: the caller is not kept longer.
constexpr std::uint32_t kGrantsAtOnce = 64;

}  // namespace

void Rollout::touch(SiteNumber site) {
    if (sites_[site.value].is_dirty) return;
    sites_[site.value].is_dirty = true;
    dirty_.push_back(site);
}

void Rollout::settle(Turn& turn) {
    std::uint32_t grants = 0;
    for (;;) {
        while (!dirty_.empty()) {
            const auto site = dirty_.back();
            dirty_.pop_back();
            sites_[site.value].is_dirty = false;
            settle_site(site, turn);
        }
        if (!turn.may_grant || is_paused_ || is_cancelled_ || queue_.empty() || !is_permit_free() ||
            ++grants > kGrantsAtOnce)
            break;
        serve_queue(turn);
    }
    if (open_ > 0 || is_cancelled_ || is_finish_said_ || entries_.empty()) return;
    is_finish_said_ = true;
    turn.out.push_back(Finished{});
}

void Rollout::settle_site(SiteNumber number, Turn& turn) {
    auto& site = sites_[number.value];
    if (!is_cancelled_) {
        for (bool is_moving = true; is_moving;) {
            is_moving = false;
            for (const auto m : site.members) is_moving |= advance(at(m), turn);
        }
        for (const auto m : site.members) announce(at(m), turn);
    }
    look_at_permit(number, turn);
    set_deadline(number, turn);
}

// One step of one device; whether there was one.
bool Rollout::advance(Entry& e, Turn& turn) {
    if (is_final(e.is.state)) return false;
    if (judge_silence(e, turn)) return true;
    if (e.is.state == State::retrying && turn.now >= not_before(e)) {
        enter(e, State::waiting, turn);
        return true;
    }
    if (e.is.state != State::waiting && e.is.state != State::due) return false;
    const auto to = way_of(e, turn.now) == Way::closed ? State::waiting : State::due;
    if (to == e.is.state) return false;
    enter(e, to, turn);
    return true;
}

bool Rollout::judge_silence(Entry& e, Turn& turn) {
    if (turn.now < silent_at(e)) return false;
    if (e.is.state == State::trial) {
        fail(e, Reason::unhealthy, turn);
    } else if (e.is.orders > 0) {
        fail(e, Reason::silent, turn);
    } else {
        e.is.reason = Reason::not_seen;
        enter(e, State::skipped, turn);
    }
    return true;
}

void Rollout::announce(Entry& e, Turn& turn) {
    if (e.announced == e.is.changed || !wants_session(e, turn.now)) return;
    e.announced = e.is.changed;
    turn.out.push_back(Due{Member{static_cast<std::uint32_t>(&e - entries_.data())}});
}

// The next time at which anything here may be different. Too early costs a look, nothing else.
void Rollout::set_deadline(SiteNumber number, Turn& turn) {
    auto& site = sites_[number.value];
    auto next = Instant::never();
    const auto consider = [&](Instant t) {
        if (t > turn.now) next = std::min(next, t);
    };
    for (const auto m : site.members) {
        const auto& e = at(m);
        if (is_final(e.is.state) || is_cancelled_) continue;
        consider(silent_at(e));
        consider(nudge_at(e));
        if (!site.is_planned) continue;
        consider(not_before(e));
        consider(lost_at(e));
        consider(e.is.heard + policy_.order_timeout);
        consider(e.place.planned + policy_.drain_max);
        consider(site.permitted + policy_.order_timeout);
        if (e.is.fetched != Instant{}) consider(e.is.fetched + policy_.drain_max);
    }
    if (next == site.deadline) return;
    if (site.deadline != Instant::never()) deadlines_.erase({site.deadline, number});
    site.deadline = next;
    if (next != Instant::never()) deadlines_.insert({next, number});
}

Instant Rollout::next_deadline() const {
    if (!dirty_.empty()) return Instant{};
    if (is_cancelled_) return Instant::never();
    if (!is_paused_ && !queue_.empty() && is_permit_free()) return Instant{};
    return deadlines_.empty() ? Instant::never() : deadlines_.begin()->first;
}

// --- permits ------------------------------------------------------------------------------------

bool Rollout::take_permit(SiteNumber number, Turn& turn) {
    auto& site = sites_[number.value];
    if (site.has_permit) return true;
    if (is_cancelled_) return false;
    if (is_paused_ || !is_permit_free()) {
        queue_if_callable(number);
        return false;
    }
    site.has_permit = true;
    ++permits_out_;
    site.permitted = turn.now;
    if (!site.is_planned) turn.out.push_back(PlanSite{number});
    touch(number);
    return true;
}

// A permit goes back when all have their verdicts, or when the site sleeps: nobody fetches, and
// nobody was heard of for a while.
void Rollout::look_at_permit(SiteNumber number, Turn& turn) {
    auto& site = sites_[number.value];
    if (!site.has_permit) return;
    bool is_open = false, is_fetching = false;
    auto heard = site.permitted;
    for (const auto m : site.members) {
        const auto& e = at(m);
        is_open |= !is_final(e.is.state);
        is_fetching |= e.is.state == State::ordered || e.is.state == State::fetching;
        if (!is_final(e.is.state)) heard = std::max(heard, e.is.heard);
    }
    const bool is_limited = policy_.max_sites_at_once != 0;
    const bool sleeps = is_limited && !is_fetching && turn.now >= heard + policy_.order_timeout;
    if (is_open && !sleeps) return;
    site.has_permit = false;
    --permits_out_;
    if (is_open) queue_if_callable(number);
    touch(number);
}

void Rollout::queue_if_callable(SiteNumber number) {
    auto& site = sites_[number.value];
    if (site.is_queued || site.has_permit) return;
    const bool is_wanted = std::any_of(site.members.begin(), site.members.end(), [&](Member m) {
        const auto state = at(m).is.state;
        return at(m).who.is_callable &&
               (state == State::waiting || state == State::due || state == State::retrying);
    });
    if (!is_wanted) return;
    site.is_queued = true;
    queue_.push_back(number);
}

void Rollout::serve_queue(Turn& turn) {
    const auto site = queue_.front();
    queue_.pop_front();
    sites_[site.value].is_queued = false;
    take_permit(site, turn);
}

}  // namespace sluice::rollout
