// A safe rollout: whoever prepares a device for its order to install (backs its configuration up)
// also says what became of it.

#include "engine/rollout/rollout.hpp"

namespace sluice::rollout {
namespace {

constexpr bool is_out(State state) {
    return state == State::ordered || state == State::fetching || state == State::activating;
}

}  // namespace

// Asked where the order to install would leave.
bool Rollout::may_install(Entry& e, Turn& turn) {
    if (!policy_.is_safe || e.is.guard == Guard::prepared) return true;
    if (e.is.guard == Guard::none) {
        e.is.guard = Guard::preparing;
        keep(e, turn);
        turn.out.push_back(Prepare{self(e)});
    }
    return false;
}

void Rollout::on_event(const Prepared& event, Turn& turn) {
    auto& e = at(event.member);
    if (e.is_forgotten || is_final(e.is.state) || !is_guarded(e)) return;
    e.is.guard = Guard::prepared;
    touch(e.who.site);
    // Once more, and the order before is out still: an agent drops that first, or does both.
    if (is_out(e.is.state) && e.who.kind == inventory::DeviceKind::agent) return take_back(e, turn);
    reopen(e, turn);
    keep(e, turn);
}

void Rollout::on_event(const Retracted& event, Turn& turn) {
    auto& e = at(event.member);
    if (e.is_forgotten || is_final(e.is.state) || !is_guarded(e)) return;
    e.is.guard = Guard::preparing;
    touch(e.who.site);
    if (is_out(e.is.state) && e.who.kind == inventory::DeviceKind::agent) return take_back(e, turn);
    if (is_out(e.is.state)) reopen(e, turn);
    keep(e, turn);
}

// It may be told to install once more: whatever was out is no more. Its pause is over, too: that is
// the business of whoever says so.
void Rollout::reopen(Entry& e, Turn& turn) {
    e.is.fault = 0;
    const bool is_on_the_way = is_out(e.is.state) || e.is.state == State::rebooting ||
                               e.is.state == State::trial || e.is.state == State::retrying;
    if (!is_on_the_way) return;
    const bool has_image = e.is.fetched != Instant{} && e.place.is_staged && holds(e);
    enter(e, has_image ? State::staged : State::waiting, turn);
}

// Waits to be Prepared again.
void Rollout::end_attempt(Entry& e, std::uint32_t fault, bool has_fallen_back, Turn& turn) {
    e.is.reason = Reason::fault;
    e.is.fault = fault;
    e.is.is_alarming |= has_fallen_back;
    e.is.guard = Guard::preparing;
    const bool has_image = e.is.fetched != Instant{} && e.place.is_staged && holds(e);
    enter(e, has_image ? State::staged : State::retrying, turn);
    turn.out.push_back(Attempted{self(e), fault, has_fallen_back});
}

void Rollout::on_event(const Concluded& event, Turn& turn) {
    auto& e = at(event.member);
    if (e.is_forgotten) return;
    e.is.guard = Guard::none;
    touch(e.who.site);
    if (event.reason == Reason::none) {
        if (e.is.state == State::done) return keep(e, turn);
        return enter_done(e, turn);
    }
    if (is_final(e.is.state)) return keep(e, turn);
    if (event.reason == Reason::other_image) return set_aside(e, event.is_alarming, turn);
    e.is.is_alarming |= event.is_alarming;
    fail(e, event.reason, turn);
}

// What became of it is no word on the rollout's image: it counts for no wave. But what that image
// did before does.
void Rollout::set_aside(Entry& e, bool is_alarming, Turn& turn) {
    if (e.is.proof == Proof::trying) set_proof(e, Proof::none, turn);
    e.is.is_alarming |= is_alarming;
    e.is.fault = 0;
    e.is.reason = Reason::other_image;
    enter(e, State::skipped, turn);
}

void Rollout::enter_done(Entry& e, Turn& turn) {
    if (e.is.orders > 0 && e.is.fetched == Instant{}) e.is.fetched = turn.now;
    if (e.is.proof == Proof::trying) set_proof(e, Proof::passed, turn);
    e.is.done = turn.now;
    e.is.fault = 0;
    e.is.reason = Reason::none;
    e.is.is_alarming = false;
    enter(e, State::done, turn);
}

}  // namespace sluice::rollout
