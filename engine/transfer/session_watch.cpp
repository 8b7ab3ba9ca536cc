// What time does to a session: who counts as alive, who is left, who is tried again, and when the
// next of these is due.
#include <algorithm>

#include "engine/transfer/policy.hpp"
#include "engine/transfer/session.hpp"

namespace sluice::transfer {

bool Session::is_active(std::size_t s) const {
    return std::any_of(open_.begin(), open_.begin() + open_count_,
                       [s](const auto& r) { return r.source.value == s && !r.has_arrived(); });
}

// Alive: may have something, now or later. One that was not reached yet counts for `join_grace`;
// one that failed has to give a piece or answer a `have` first, or its retries would hold off the
// origin for ever.
bool Session::is_peer_alive(std::size_t s, Instant now) const {
    const auto& source = sources_[s];
    if (is_origin(s) || source.state == State::banned) return false;
    if (source.state == State::busy || source.is_standing_by) return true;
    if (source.state == State::usable && (source.failures == 0 || source.is_answering)) return true;
    return !source.was_reached && now < started_at_ + plan_.join_grace;
}

Instant Session::places_kept_until() const {
    return started_at_ + std::min(plan_.join_grace, kPlaceKept);
}

// Was asked too early: it is asked again in a moment, before those behind it.
bool Session::is_place_kept(std::size_t s, Instant now) const {
    const auto& source = sources_[s];
    return !is_origin(s) && source.state == State::benched && !source.was_reached &&
           now < places_kept_until();
}

bool Session::is_another_peer_usable(std::size_t s) const {
    for (std::size_t other = 0; other < plan_.source_count; ++other)
        if (other != s && !is_origin(other) && sources_[other].state == State::usable) return true;
    return false;
}

std::size_t Session::first_origin() const {
    std::size_t s = 0;
    while (s < plan_.source_count && !is_origin(s)) ++s;
    return s;
}

bool Session::has_hope(std::size_t s) const {
    if (sources_[s].state == State::banned) return false;
    if (!is_origin(s) || is_active(s)) return true;
    return sources_[s].refusals < kOriginRefusals && !is_origin_spent();
}

// The origin waits for the peers that stand before it in the order; its delay counts from when
// the last of them was gone.
void Session::note_peers(Instant now) {
    const auto end = first_origin();
    bool is_any_alive = false;
    for (std::size_t s = 0; s < end; ++s) is_any_alive |= is_peer_alive(s, now);
    if (is_any_alive) {
        peerless_since_ = Instant::never();
    } else if (peerless_since_ == Instant::never()) {
        peerless_since_ = now;
    }
}

bool Session::is_askable(std::size_t s, Instant now) const {
    if (sources_[s].state != State::usable) return false;
    if (!is_origin(s)) return true;
    if (peerless_since_ == Instant::never() || now < peerless_since_ + plan_.origin_delay)
        return false;
    return !is_origin_spent();
}

void Session::watch(std::size_t s, Instant now, Actions& out) {
    const auto& source = sources_[s];
    if (source.state != State::usable) {
        wake(s, now, out);
    } else if (is_active(s)) {
        if (!is_origin(s)) {
            watch_active_peer(s, now, out);
        } else if (now >= source.life + kOriginSilenceAfter) {
            leave_after(s, Fault::unreachable, Parting::silent, now, out);
        }
    }
}

void Session::watch_active_peer(std::size_t s, Instant now, Actions& out) {
    const auto& source = sources_[s];
    if (now >= source.life + kSilenceAfter) {
        leave_after(s, Fault::unreachable, Parting::silent, now, out);
    } else if (now >= source.piece_at + plan_.starve_limit) {
        leave(s, Parting::starving, kStarvedPause, now, out);
    } else if (is_stuck(s, now)) {
        leave(s, Parting::faulty, kStarvedPause, now, out);
    } else if (now >= source.life + kProbeAfter && !source.is_have_open) {
        ask_have(s, source.have_count, out);
    }
}

bool Session::is_stuck(std::size_t s, Instant now) const {
    const auto& source = sources_[s];
    const bool could_give = source.is_mid_piece || source.have_count > have_->count();
    return could_give && now >= source.piece_at + kStuckAfter && is_another_peer_usable(s);
}

// A source that was busy or left comes back when its pause is over; while another one delivers, a
// peer that was left has to show first that it lives and has something.
void Session::wake(std::size_t s, Instant now, Actions& out) {
    auto& source = sources_[s];
    switch (source.state) {
        case State::usable:
        case State::banned:
            return;
        case State::busy:
            if (now < source.life) return;
            if (now >= source.piece_at + plan_.starve_limit) {
                leave(s, Parting::starving, kStarvedPause, now, out);
            } else {
                source.state = State::usable;
            }
            return;
        case State::benched:
            // A stand-by is as good as any once nobody else delivers.
            if (now < source.life && !(source.is_standing_by && open_count_ == 0)) return;
            if (open_count_ == 0 || is_origin(s)) {
                source.state = State::usable;
                source.is_standing_by = false;
                return;
            }
            probe(s, now, out);
            return;
        case State::probing:
            if (now >= source.life + kSilenceAfter) bench_unreached(s, Fault::unreachable, now);
            return;
    }
}

// Asks for a sign of life before anything is asked of the source; it answers at once if it has
// anything.
void Session::probe(std::size_t s, Instant now, Actions& out) {
    sources_[s].state = State::probing;
    sources_[s].life = now;
    ask_have(s, 0, out);
}

void Session::bench_unreached(std::size_t s, Fault fault, Instant now) {
    auto& source = sources_[s];
    source.is_have_open = source.is_standing_by = source.is_answering = false;
    source.state = State::benched;
    source.life = now + pause_after(s, fault);
}

void Session::ask_have(std::size_t s, std::uint32_t after, Actions& out) {
    sources_[s].is_have_open = true;
    out.push_back(AskHave{SourceIndex{static_cast<std::uint8_t>(s)}, after});
}

Instant Session::source_deadline(std::size_t s) const {
    const auto& source = sources_[s];
    switch (source.state) {
        case State::banned:
            return Instant::never();
        case State::busy:
        case State::benched:
            return source.life;
        case State::probing:
            return source.life + kSilenceAfter;
        case State::usable:
            break;
    }
    if (!is_active(s)) return Instant::never();
    if (is_origin(s)) return source.life + kOriginSilenceAfter;
    auto due = std::min(source.life + kSilenceAfter, source.piece_at + plan_.starve_limit);
    if (!source.is_have_open) due = std::min(due, source.life + kProbeAfter);
    if (source.is_mid_piece || source.have_count > have_->count()) {
        const auto stuck = source.piece_at + kStuckAfter;
        if (is_another_peer_usable(s)) due = std::min(due, stuck);
    }
    return due;
}

Instant Session::compute_deadline(Instant now) const {
    auto due = Instant::never();
    // What lies behind `now` was acted on, or waits for an event and not for time.
    const auto consider = [&](Instant t) {
        if (t > now) due = std::min(due, t);
    };
    for (std::size_t s = 0; s < plan_.source_count; ++s) consider(source_deadline(s));
    consider(places_kept_until());
    consider(started_at_ + plan_.join_grace);
    if (peerless_since_ != Instant::never()) consider(peerless_since_ + plan_.origin_delay);
    if (plan_.has_swarm) consider(brought_at_ + kSwarmStuckAfter);
    if (phase_ == Phase::pieces && is_tail()) consider(hedge_due());
    return due;
}

}  // namespace sluice::transfer
