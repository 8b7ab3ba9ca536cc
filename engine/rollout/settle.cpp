// What follows from an event for the rest of the site: turns, permits, verdicts of silence, and the
// next time to look.

#include <algorithm>

#include "engine/rollout/rollout.hpp"

namespace sluice::rollout {
namespace {

// Sites planned in one event: the caller is not kept longer.
constexpr std::uint32_t kGrantsAtOnce = 128;

}  // namespace

void Rollout::touch(SiteNumber site) {
    auto& s = sites_[site.value];
    if (s.is_dirty) return;
    s.is_dirty = true;
    dirty_.emplace_back(s.key, site);
}

// With one of the next Ticks.
void Rollout::touch_later(SiteNumber site) {
    if (!sites_[site.value].is_dirty) later_.insert({sites_[site.value].key, site});
}

void Rollout::settle(Turn& turn) {
    std::uint32_t grants = 0;
    for (;;) {
        settle_dirty(turn);
        look_at_waves(turn);
        if (!dirty_.empty()) continue;
        const auto most = policy_.max_origin_transfers;
        if (!is_stopped() && !origin_queue_.empty() && origin_out_ + origin_due_ < most) {
            const auto site = origin_queue_.begin()->second;
            origin_queue_.erase(origin_queue_.begin());
            touch(site);
            continue;
        }
        if (!turn.may_grant || is_stopped() || queue_.empty() || !is_permit_free() ||
            ++grants > kGrantsAtOnce)
            break;
        serve_queue(turn);
    }
    if (open_ > 0 || is_cancelled_ || is_finish_said_) return;
    // Before it starts, others may come in the place of those that are done already.
    if (entries_.empty() && !waves_.is_open(WaveNumber{0}, turn.now)) return;
    is_finish_said_ = true;
    turn.out.push_back(Finished{});
}

// In the order of keys: where something is scarce, the same sites get it after a restart.
void Rollout::settle_dirty(Turn& turn) {
    while (!dirty_.empty()) {
        auto sites = std::move(dirty_);
        dirty_.clear();
        std::sort(sites.begin(), sites.end());
        for (const auto& [key, site] : sites) settle_site(site, turn);
    }
}

void Rollout::settle_site(SiteNumber number, Turn& turn) {
    if (!is_cancelled_) {
        for (bool is_moving = true; is_moving;) {
            is_moving = false;
            // By place: a site may grow while its devices are looked at, but loses nobody.
            const auto& members = sites_[number.value].members;
            for (std::size_t i = 0; i < members.size(); ++i)
                is_moving |= advance(at(members[i]), turn);
        }
        for (const auto m : sites_[number.value].members) announce(at(m), turn);
    }
    sites_[number.value].is_dirty = false;
    look_at_permit(number, turn);
    queue_if_callable(number, turn.now);
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
    const auto way = way_of(e, turn.now);
    const auto to = way == Way::closed ? State::waiting : State::due;
    if (policy_.max_origin_transfers != 0) {
        if (way == Way::closed && !may_draw(e)) origin_queue_.insert({e.who.site_key, e.who.site});
        set_draw(e, way == Way::origin && !is_unreachable(e) ? Draw::due : Draw::none);
    }
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
    turn.out.push_back(Due{self(e)});
}

// Too early costs a look, nothing else.
void Rollout::set_deadline(SiteNumber number, Turn& turn) {
    auto& site = sites_[number.value];
    auto next = Instant::never();
    for (const auto m : site.members) {
        const auto& e = at(m);
        if (!is_final(e.is.state) && !is_cancelled_)
            next = std::min(next, next_look(e, site, turn.now));
    }
    if (next == site.deadline) return;
    if (site.deadline != Instant::never()) deadlines_.erase({site.deadline, site.key, number});
    site.deadline = next;
    if (next != Instant::never()) deadlines_.insert({next, site.key, number});
}

Instant Rollout::next_deadline() const {
    if (!dirty_.empty() || !later_.empty()) return Instant{};
    if (is_cancelled_) return Instant::never();
    if (!is_stopped() && !queue_.empty() && is_permit_free()) return Instant{};
    auto next = deadlines_.empty() ? Instant::never() : std::get<0>(*deadlines_.begin());
    if (!is_stopped()) next = std::min(next, waves_.next_deadline());
    return next;
}

// --- permits ------------------------------------------------------------------------------------

bool Rollout::take_permit(SiteNumber number, Turn& turn) {
    auto& site = sites_[number.value];
    if (site.has_permit) return true;
    if (is_cancelled_) return false;
    if (is_stopped() || !is_permit_free()) {
        queue_if_callable(number, turn.now);
        return false;
    }
    site.has_permit = true;
    ++permits_out_;
    site.permitted = turn.now;
    if (policy_.max_sites_at_once != 0) turn.out.push_back(PermitChanged{number});
    if (!site.is_planned) turn.out.push_back(PlanSite{number});
    touch(number);
    return true;
}

// A permit goes back when all have their verdicts, or when the site sleeps: nobody fetches, and
// nobody was heard of for a while, or none of them has an open window.
void Rollout::look_at_permit(SiteNumber number, Turn& turn) {
    const auto& site = sites_[number.value];
    if (!site.has_permit) return;
    bool is_open = false, is_fetching = false, is_within_any = policy_.windows.empty();
    auto heard = site.permitted;
    for (const auto m : site.members) {
        const auto& e = at(m);
        if (is_final(e.is.state)) continue;
        is_fetching |= e.is.state == State::ordered || e.is.state == State::fetching;
        heard = std::max(heard, e.is.heard);
        if (!is_in_wave(e, turn.now)) continue;
        is_open = true;
        is_within_any |= is_within(e, turn.now);
    }
    is_open |= is_fetching;
    const bool is_limited = policy_.max_sites_at_once != 0;
    const bool is_quiet = turn.now >= heard + policy_.order_timeout || !is_within_any;
    if (is_open && !(is_limited && !is_fetching && is_quiet)) return;
    return_permit(number, turn);
}

void Rollout::return_permit(SiteNumber number, Turn& turn) {
    sites_[number.value].has_permit = false;
    --permits_out_;
    if (policy_.max_sites_at_once != 0) turn.out.push_back(PermitChanged{number});
    touch(number);
}

// Somebody here waits to be called, and may go now.
bool Rollout::is_wanted(SiteNumber number, Instant now) const {
    const auto& members = sites_[number.value].members;
    return std::any_of(members.begin(), members.end(), [&](Member m) {
        const auto& e = at(m);
        const bool is_to_come = e.is.state == State::waiting || e.is.state == State::due ||
                                e.is.state == State::retrying;
        return is_to_come && e.who.is_callable && !e.is_blocked && may_start_at(e, now) <= now;
    });
}

void Rollout::queue_if_callable(SiteNumber number, Instant now) {
    auto& site = sites_[number.value];
    if (site.is_queued || site.has_permit || is_cancelled_ || !is_wanted(number, now)) return;
    site.is_queued = true;
    queue_.insert({site.key, number});
}

void Rollout::serve_queue(Turn& turn) {
    const auto site = queue_.begin()->second;
    queue_.erase(queue_.begin());
    sites_[site.value].is_queued = false;
    if (is_wanted(site, turn.now)) take_permit(site, turn);
}

// --- places at the origin -----------------------------------------------------------------------

void Rollout::set_draw(Entry& e, Draw draw) {
    const auto count = [&](Draw d, std::uint32_t one) {
        if (d == Draw::due) origin_due_ += one;
        if (d == Draw::out) origin_out_ += one;
    };
    count(e.is.draw, ~std::uint32_t{0});
    count(draw, 1);
    e.is.draw = draw;
}

}  // namespace sluice::rollout
