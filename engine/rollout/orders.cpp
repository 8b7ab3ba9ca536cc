// What the operator, the planner and time do to a rollout: its waves, its halt, its end.

#include <algorithm>

#include "engine/rollout/rollout.hpp"

namespace sluice::rollout {
namespace {

// Sites that one Tick looks at: a window that opens for a million devices is no long event.
constexpr std::size_t kSitesAtOnce = 2048;

constexpr bool is_out(State state) {
    return state == State::ordered || state == State::fetching || state == State::activating;
}

}  // namespace

void Rollout::on_event(const Planned& event, Turn& turn) {
    auto& site = sites_[event.site.value];
    site.is_planned = true;
    site.permitted = turn.now;
    touch(event.site);
}

void Rollout::on_event(const Held& event, Turn&) {
    sites_[event.site.value].is_held = event.is_held;
    touch(event.site);
}

void Rollout::on_event(const Blocked& event, Turn&) {
    auto& e = at(event.member);
    if (e.is_blocked == event.is_blocked) return;
    e.is_blocked = event.is_blocked;
    touch(e.who.site);
}

void Rollout::on_event(const Withdrawn& event, Turn& turn) {
    auto& e = at(event.member);
    const bool is_idle =
        e.is.state == State::waiting || e.is.state == State::due || e.is.state == State::retrying;
    if (!is_idle || e.is_forgotten || is_guarded(e)) return;
    e.is.reason = event.why;
    enter(e, State::skipped, turn);
}

void Rollout::on_event(const Shown& event, Turn&) {
    const auto at = plain_sites_.find({event.model, event.kind});
    if (at == plain_sites_.end()) return;
    for (const auto site : at->second) touch_later(site);
}

void Rollout::on_event(const Pause&, Turn&) {
    is_paused_ = true;
}

void Rollout::on_event(const Resume&, Turn& turn) {
    const bool was_halted = is_halted_;
    is_paused_ = is_halted_ = false;
    if (was_halted) {
        waves_.forgive();
        // What was retracted is taken back whether anything is halted or not.
        for (auto& e : entries_)
            if (e.is.state == State::cancelling && e.is.guard != Guard::preparing)
                put_back(e, false, turn);
    }
    for (auto& e : entries_) e.announced = Instant::never();
    for (std::uint32_t s = 0; s < sites_.size(); ++s) touch_later(SiteNumber{s});
}

void Rollout::on_event(const Cancel&, Turn& turn) {
    is_cancelled_ = true;
    queue_.clear();
    origin_queue_.clear();
    later_.clear();
    for (auto& e : entries_) {
        if (is_final(e.is.state) || e.is.state == State::cancelling) continue;
        if (is_out(e.is.state) && e.who.kind == inventory::DeviceKind::agent)
            take_back(e, turn);
        else
            enter(e, State::cancelled, turn);
    }
}

void Rollout::on_event(const Retry&, Turn& turn) {
    for (auto& e : entries_) {
        if (e.is.state != State::failed || e.is_forgotten) continue;
        e.is.attempts = 0;
        e.is.fault = 0;
        e.is.reason = Reason::none;
        e.is.is_alarming = false;
        e.is.guard = Guard::none;
        e.is.takes_from_origin = false;
        is_finish_said_ = false;
        // Its patience begins anew as well.
        e.is.heard = std::max(e.is.heard, turn.now);
        const bool has_image = e.is.fetched != Instant{} && e.place.is_staged && holds(e);
        enter(e, has_image ? State::staged : State::waiting, turn);
    }
}

void Rollout::on_event(const Tick&, Turn& turn) {
    for (std::size_t n = 0; n < kSitesAtOnce && !deadlines_.empty(); ++n) {
        const auto [time, key, site] = *deadlines_.begin();
        if (time > turn.now) break;
        deadlines_.erase(deadlines_.begin());
        sites_[site.value].deadline = Instant::never();
        touch(site);
    }
    for (std::size_t n = 0; n < kSitesAtOnce && !later_.empty(); ++n) {
        const auto site = later_.begin()->second;
        later_.erase(later_.begin());
        touch(site);
    }
}

// --- waves --------------------------------------------------------------------------------------

void Rollout::look_at_waves(Turn& turn) {
    if (is_cancelled_) return;
    // A rollout that is done with everybody has nothing to halt.
    if (!is_halted_ && open_ > 0)
        if (const auto crossed = waves_.crossed(turn.now)) halt(*crossed, turn);
    while (!is_paused_ && !is_halted_) {
        const auto wave = waves_.open_next(turn.now);
        if (!wave) break;
        turn.out.push_back(WaveOpened{*wave});
        if (wave->value == 0) continue;
        for (const auto& e : entries_)
            if (e.who.wave == *wave && !is_final(e.is.state)) touch_later(e.who.site);
    }
    if (waves_said_ == waves_.version()) return;
    waves_said_ = waves_.version();
    turn.out.push_back(WavesChanged{});
}

// Nothing is given after this line, and who has an order is told to drop it.
void Rollout::halt(const Waves::Halt& why, Turn& turn) {
    is_halted_ = true;
    turn.out.push_back(Halted{why.cause, why.wave});
    for (auto& e : entries_)
        if (is_out(e.is.state) && e.who.kind == inventory::DeviceKind::agent) take_back(e, turn);
}

// Plain CPEs hardly know CancelTransfer, and some take an unknown request badly: never asked.
void Rollout::take_back(Entry& e, Turn& turn) {
    enter(e, State::cancelling, turn);
}

// What taking back came to. Dropped: as before the order. Else it goes on.
void Rollout::put_back(Entry& e, bool is_dropped, Turn& turn) {
    if (is_cancelled_) return enter(e, State::cancelled, turn);
    const bool was_activating = e.is.order == OrderKind::upgrade && e.is.fetched != Instant{};
    if (!is_dropped) {
        // Whether the device has it or lost it nobody knows: it is given again with its key, so
        // that it is done once.
        if (e.is.guard == Guard::prepared) e.is.is_taken = false;
        if (was_activating) return enter(e, State::activating, turn);
        return enter(e, e.is.is_taken ? State::fetching : State::ordered, turn);
    }
    if (was_activating) return enter(e, State::staged, turn);
    if (e.is.attempts > 0) --e.is.attempts;
    e.is.takes_from_origin = false;
    if (e.is.proof == Proof::trying) set_proof(e, Proof::none, turn);
    enter(e, State::waiting, turn);
}

}  // namespace sluice::rollout
