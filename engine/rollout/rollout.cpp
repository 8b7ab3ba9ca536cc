#include "engine/rollout/rollout.hpp"

#include <algorithm>

namespace sluice::rollout {
namespace {

constexpr bool is_agent(const Enrolment& who) {
    return who.kind == inventory::DeviceKind::agent;
}

}  // namespace

void Rollout::on(const Event& event, Instant now, Actions& out) {
    // The answer to a permit brings no further ones: an event ends.
    Turn turn{now, out, !std::holds_alternative<Planned>(event)};
    std::visit([&](const auto& e) { on_event(e, turn); }, event);
    settle(turn);
}

// --- the device's session -----------------------------------------------------------------------

void Rollout::on_event(const Contacted& event, Turn& turn) {
    auto& e = at(event.member);
    e.is.heard = turn.now;
    e.is_given = false;
    if (e.is_forgotten) return;
    e.is_at_work = event.is_at_work;
    e.who.is_callable = event.is_callable;
    e.who.can_serve = event.can_serve;
    e.who.zone = event.zone;
    touch(e.who.site);
    if (event.is_boot) {
        e.is.booted = turn.now;
        if (e.is.orders > 0 && !is_final(e.is.state)) keep(e, turn);
    }
    if (event.has_target) return on_target(e, event, turn);
    if (e.is.state == State::trial && !is_guarded(e)) return fail(e, Reason::fell_back, turn);
    const bool is_to_go = !is_final(e.is.state) && !e.is_blocked && is_within(e, turn.now);
    if (is_to_go && !site_of(e).has_permit) take_permit(e.who.site, turn);
}

void Rollout::on_target(Entry& e, const Contacted& event, Turn& turn) {
    if (e.is.state == State::done) return;
    if (!event.is_healthy || is_guarded(e)) {
        if (e.is.state >= State::ordered && e.is.state <= State::rebooting)
            enter(e, State::trial, turn);
        return;
    }
    const bool was_out = e.is.state == State::ordered || e.is.state == State::fetching ||
                         e.is.state == State::activating || e.is.state == State::cancelling ||
                         (e.is.state == State::cancelled && e.is.orders > 0 && e.is.fault == 0);
    if (was_out && (is_halted_ || is_cancelled_)) e.is.is_late = true;
    enter_done(e, turn);
}

// What a device that lives shows by not having moved. Asked where the session comes to our
// requests: a TransferComplete came before that.
void Rollout::judge_in_session(Entry& e, Turn& turn) {
    if (is_guarded(e)) return;
    const bool is_overdue = turn.now >= e.is.given + policy_.order_timeout;
    const bool is_late = turn.now >= e.is.changed + policy_.order_timeout;
    // Since it was ordered: after it said that it applied the image, or in the session in which it
    // does.
    const bool has_booted =
        e.is.booted > e.is.given &&
        (e.is.booted >= e.is.changed || turn.now < e.is.booted + std::chrono::minutes(1));
    switch (e.is.state) {
        case State::rebooting:
            if (!has_booted && !is_late) return;
            return is_agent(e.who) ? fail(e, Reason::fell_back, turn)
                                   : fail_attempt(e, Reason::not_applied, 0, turn);
        case State::ordered:
        case State::fetching:
        case State::activating:
            if (!is_overdue || e.is_at_work) return;
            if (is_agent(e.who) || e.is.state == State::ordered) {
                if (e.is.attempts >= policy_.max_attempts) fail(e, Reason::no_word, turn);
                return;  // else it is given again
            }
            return fail_attempt(e, Reason::no_word, 0, turn);
        default:
            return;
    }
}

void Rollout::on_event(const OrderWanted& event, Turn& turn) {
    auto& e = at(event.member);
    if (e.is.state == State::cancelling) {
        turn.out.push_back(GiveCancel{event.member, e.is.orders});
        return;
    }
    if (is_stopped() || e.is_forgotten) return;
    judge_in_session(e, turn);
    e.is_asking = true;
    if (policy_.max_origin_transfers != 0) touch(e.who.site);
    settle(turn);
    e.is_asking = false;
    // The judgement may have crossed a threshold, and nothing leaves outside a window.
    if (is_stopped() || !is_within(e, turn.now)) return;
    const bool is_overdue = turn.now >= e.is.given + policy_.order_timeout;
    switch (e.is.state) {
        case State::due:
            // The place that was promised may be another's by now.
            if (e.is.draw == Draw::due && !may_draw(e)) return enter(e, State::waiting, turn);
            if (e.place.is_staged && is_agent(e.who)) return give_new(e, OrderKind::stage, turn);
            if (may_install(e, turn)) give_new(e, OrderKind::upgrade, turn);
            return;
        case State::staged:
            if (may_activate(e, turn.now) && may_install(e, turn))
                give_new(e, OrderKind::upgrade, turn);
            return;
        case State::ordered:
        case State::fetching:
        case State::activating:
            if (is_overdue && !e.is_at_work && !is_guarded(e))
                give_again(e, true, turn);
            else if (!e.is.is_taken && (is_agent(e.who) || e.is_given) && !is_retracted(e))
                give_again(e, false, turn);
            return;
        default:
            return;
    }
}

void Rollout::give_new(Entry& e, OrderKind kind, Turn& turn) {
    const auto member = self(e);
    const bool is_activation = e.is.state == State::staged;
    if (!is_activation) {
        const auto way = way_of(e, turn.now);
        const bool is_lead = way == Way::origin && is_agent(e.who) && !e.place.is_direct;
        e.is.takes_from_origin = is_lead || (way == Way::origin && !is_agent(e.who));
        set_draw(e, way == Way::origin ? Draw::out : Draw::none);
        if (way == Way::peers && !is_agent(e.who)) {
            e.is.server = free_server(e);
            set_proof(e, Proof::trying, turn);
        } else {
            e.is.server = kNobody;
        }
    }
    // Installing what was staged goes on with the same attempt, unless it failed before.
    if (!is_activation || e.is.fault != 0) ++e.is.attempts;
    ++e.is.orders;
    e.is.order = kind;
    e.is.is_taken = false;
    e.is.given = turn.now;
    if (e.is.ordered == Instant{}) e.is.ordered = turn.now;
    e.is_given = true;
    enter(e, is_activation ? State::activating : State::ordered, turn);
    turn.out.push_back(GiveOrder{member, kind, e.is.orders});
}

void Rollout::give_again(Entry& e, bool is_next_attempt, Turn& turn) {
    const auto member = self(e);
    if (is_next_attempt) {
        ++e.is.attempts;
        e.is.given = turn.now;
        e.is.is_taken = false;
        if (e.is.state == State::fetching)
            enter(e, State::ordered, turn);
        else
            keep(e, turn);
    }
    e.is_given = true;
    turn.out.push_back(GiveOrder{member, e.is.order, e.is.orders});
}

void Rollout::on_event(const OrderTaken& event, Turn& turn) {
    auto& e = at(event.member);
    e.is.heard = turn.now;
    touch(e.who.site);
    if (e.is.state == State::cancelling) return put_back(e, true, turn);
    if (e.is.state != State::ordered && e.is.state != State::activating) return;
    e.is.is_taken = true;
    if (event.is_applied) return on_applied(e, turn);
    if (e.is.state == State::ordered)
        enter(e, State::fetching, turn);
    else
        keep(e, turn);
}

void Rollout::on_event(const OrderRefused& event, Turn& turn) {
    auto& e = at(event.member);
    e.is.heard = turn.now;
    touch(e.who.site);
    if (e.is.state == State::cancelling) {
        e.is.is_late |= is_halted_ || is_cancelled_;
        return put_back(e, false, turn);
    }
    if (e.is.state == State::ordered || e.is.state == State::activating)
        fail_attempt(e, Reason::fault, event.fault, turn);
}

// An order was carried out.
void Rollout::on_applied(Entry& e, Turn& turn) {
    if (is_halted_) e.is.is_late = true;
    if (e.is.fetched == Instant{}) e.is.fetched = turn.now;
    e.is.fault = 0;
    e.is.reason = Reason::none;
    if (e.is.proof == Proof::trying) set_proof(e, Proof::passed, turn);
    enter(e, e.is.order == OrderKind::stage ? State::staged : State::rebooting, turn);
    if (is_guarded(e) && e.is.order == OrderKind::upgrade)
        turn.out.push_back(Attempted{self(e), 0, false});
}

void Rollout::on_event(const Transferred& event, Turn& turn) {
    auto& e = at(event.member);
    e.is.heard = turn.now;
    touch(e.who.site);
    if (e.is.orders == 0 || e.is_forgotten) return;
    // An agent's older word came twice. A plain CPE has but one transfer at a time.
    if (is_agent(e.who) && event.order != 0 && event.order != e.is.orders) return;
    const bool is_success = event.fault == 0;
    switch (e.is.state) {
        case State::ordered:
        case State::fetching:
        case State::activating:
            e.is.is_taken = true;
            if (is_agent(e.who) && event.fault == kAnythingElse && e.is.booted > e.is.given) {
                if (is_guarded(e)) return end_attempt(e, event.fault, true, turn);
                e.is.fault = event.fault;
                e.is.is_alarming = true;
                return fail(e, Reason::fault, turn);
            }
            return is_success ? on_applied(e, turn)
                              : fail_attempt(e, Reason::fault, event.fault, turn);
        case State::waiting:
        case State::due:
        case State::retrying:  // it tried again by itself
            if (is_success) on_applied(e, turn);
            return;
        case State::rebooting:
        case State::trial:
            if (!is_success && is_guarded(e)) return end_attempt(e, event.fault, true, turn);
            if (!is_success && is_agent(e.who)) {
                e.is.fault = event.fault;
                e.is.is_alarming = true;
                fail(e, Reason::fault, turn);
            }
            return;
        case State::cancelling:
            if (!is_success) return put_back(e, true, turn);
            e.is.is_late |= is_halted_ || is_cancelled_;
            if (is_halted_ || (is_guarded(e) && !is_cancelled_)) return on_applied(e, turn);
            if (e.is.fetched == Instant{}) e.is.fetched = turn.now;
            return enter(e, State::cancelled, turn);
        case State::failed:  // the verdict was there first; now the device says why
            if (is_success) return;
            e.is.fault = event.fault;
            e.is.is_alarming |= is_verification_fault(event.fault);
            return keep(e, turn);
        default:
            return;
    }
}

void Rollout::on_event(const Unreachable& event, Turn& turn) {
    auto& e = at(event.member);
    if (is_unreachable(e) || is_final(e.is.state)) return;
    e.is.missed = turn.now;
    if (e.is.draw == Draw::due) set_draw(e, Draw::none);
    touch(e.who.site);
    keep(e, turn);
}

// --- one device ---------------------------------------------------------------------------------

void Rollout::enter(Entry& e, State state, Turn& turn) {
    const auto from = e.is.state;
    if (is_final(state) && !is_final(from)) --open_;
    if (!is_final(state) && is_final(from)) ++open_;
    e.is.state = state;
    e.is.changed = turn.now;
    e.announced = Instant::never();
    const bool is_out = state == State::ordered || state == State::fetching ||
                        (state == State::cancelling && e.is.order != OrderKind::none);
    if (!is_out && state != State::due) set_draw(e, Draw::none);
    recount(e);
    touch(e.who.site);
    turn.out.push_back(Changed{self(e), from, state});
}

// Its record is another one in the same state.
void Rollout::keep(Entry& e, Turn& turn) {
    recount(e);
    turn.out.push_back(Changed{self(e), e.is.state, e.is.state});
}

void Rollout::recount(Entry& e) {
    if (e.is_forgotten) return;
    Share is;
    is.state = e.is.state;
    is.is_aside = e.is.state == State::skipped && e.is.reason == Reason::other_image;
    is.is_ordered = e.is.orders > 0 && !is.is_aside;
    is.is_alarming = e.is.is_alarming;
    is.is_late = e.is.is_late;
    if (e.is.state == State::failed) is.failing = policy_.error.weight_of(e.is.fault);
    waves_.count(e.who.wave, e.share, is);
    e.share = is;
}

void Rollout::fail(Entry& e, Reason reason, Turn& turn) {
    e.is.reason = reason;
    if (reason == Reason::fell_back || reason == Reason::unhealthy ||
        is_verification_fault(e.is.fault))
        e.is.is_alarming = true;
    if (e.is.proof == Proof::trying) set_proof(e, Proof::faulted, turn);
    enter(e, State::failed, turn);
}

void Rollout::fail_attempt(Entry& e, Reason reason, std::uint32_t fault, Turn& turn) {
    e.is.reason = reason;
    e.is.fault = fault;
    // What went wrong between a plain CPE and a master may go well with the origin.
    const bool was_sent_to_master = e.is.proof == Proof::trying;
    if (was_sent_to_master) {
        set_proof(e, Proof::faulted, turn);
        e.is.takes_from_origin = true;
        e.is.server = kNobody;
    }
    e.is.is_alarming |= is_verification_fault(fault) && !was_sent_to_master;
    if (is_guarded(e) && e.is.order == OrderKind::upgrade)
        return end_attempt(e, fault, false, turn);
    const bool is_hopeless =
        fault != 0 && !was_sent_to_master && !is_worth_retrying(fault, e.who.kind);
    if (is_hopeless || e.is.attempts >= policy_.max_attempts) return fail(e, reason, turn);
    const bool is_staged = e.is.state == State::activating;
    enter(e, is_staged ? State::staged : State::retrying, turn);
}

void Rollout::set_proof(Entry& e, Proof proof, Turn& turn) {
    const auto model = e.who.model;
    const auto kind = e.place.kind;
    const auto before = canaries_->ask(model, kind, policy_.plain_canaries);
    canaries_->on_proof(model, kind, e.is.proof, proof);
    e.is.proof = proof;
    turn.out.push_back(Showed{model, kind});
    if (canaries_->ask(model, kind, policy_.plain_canaries) == before) return;
    for (const auto site : plain_sites_[{model, kind}]) touch(site);
}

}  // namespace sluice::rollout
