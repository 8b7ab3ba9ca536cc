#include "engine/rollout/rollout.hpp"

#include <algorithm>

namespace sluice::rollout {
namespace {

constexpr bool is_agent(const Enrolment& who) {
    return who.kind == inventory::DeviceKind::agent;
}

}  // namespace

Rollout::Rollout(const Policy& policy) : policy_(policy), canaries_(policy.plain_canaries) {}

Member Rollout::add(const Enrolment& who, const Record& record) {
    const Member member{size()};
    if (who.site.value >= sites_.size()) sites_.resize(who.site.value + 1);
    Entry entry;
    entry.who = who;
    entry.is = record;
    entries_.push_back(std::move(entry));
    sites_[who.site.value].members.push_back(member);
    if (!is_final(record.state)) ++open_;
    touch(who.site);
    return member;
}

Member Rollout::enrol(const Enrolment& who, Instant now) {
    Record record;
    record.changed = record.heard = now;
    const auto member = add(who, record);
    queue_if_callable(who.site);
    return member;
}

Member Rollout::restore(const Enrolment& who, const Record& record, const Place* place) {
    const auto member = add(who, record);
    const auto& e = at(member);
    if (place) set_place(member, *place);
    if (e.is.proof != Proof::none)
        canaries_.on_proof(who.model, e.place.kind, Proof::none, e.is.proof);
    queue_if_callable(who.site);
    return member;
}

void Rollout::set_place(Member member, Place place) {
    auto& e = at(member);
    e.place = std::move(place);
    e.is_planned = true;
    auto& site = site_of(e);
    site.is_planned = true;
    site.permitted = std::max(site.permitted, e.place.planned);
    if (!is_agent(e.who)) plain_sites_[{e.who.model, e.place.kind}].insert(e.who.site);
    touch(e.who.site);
}

void Rollout::restore_run(bool is_paused, bool is_cancelled) {
    is_paused_ = is_paused;
    is_cancelled_ = is_cancelled;
    // Whoever could be ordered, or was, had a permit; the other sites ask again.
    for (auto& site : sites_) {
        const bool had_permit =
            std::any_of(site.members.begin(), site.members.end(), [&](Member m) {
                const auto state = at(m).is.state;
                if (policy_.max_sites_at_once == 0) return site.is_planned && !is_final(state);
                return state == State::due || state == State::ordered || state == State::fetching;
            });
        if (!had_permit) continue;
        site.has_permit = true;
        ++permits_out_;
    }
}

const Place* Rollout::place(Member m) const {
    return at(m).is_planned ? &at(m).place : nullptr;
}

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
    e.is_unreachable = false;
    if (event.is_boot) e.booted = turn.now;
    e.is_at_work = event.is_at_work;
    e.who.is_callable = event.is_callable;
    e.who.can_serve = event.can_serve;
    touch(e.who.site);
    if (event.has_target) return on_target(e, event, turn);
    if (e.is.state == State::trial) return fail(e, Reason::fell_back, turn);
    if (!is_final(e.is.state) && !site_of(e).has_permit) take_permit(e.who.site, turn);
}

void Rollout::on_target(Entry& e, const Contacted& event, Turn& turn) {
    if (e.is.state == State::done) return;
    if (!event.is_healthy) {
        if (e.is.state >= State::ordered && e.is.state <= State::rebooting)
            enter(e, State::trial, turn);
        return;
    }
    if (e.is.orders > 0 && e.is.fetched == Instant{}) e.is.fetched = turn.now;
    if (e.is.proof == Proof::trying) set_proof(e, Proof::passed);
    e.is.done = turn.now;
    e.is.fault = 0;
    e.is.reason = Reason::none;
    enter(e, State::done, turn);
}

// What a device that lives shows by not having moved. Asked where the session comes to our
// requests: a TransferComplete came before that.
void Rollout::judge_in_session(Entry& e, Turn& turn) {
    const bool is_overdue = turn.now >= e.is.given + policy_.order_timeout;
    const bool is_late = turn.now >= e.is.changed + policy_.order_timeout;
    // Since it was ordered: after it said that it applied the image, or in the session in which it
    // does.
    const bool has_booted =
        e.booted > e.is.given &&
        (e.booted >= e.is.changed || turn.now < e.booted + std::chrono::minutes(1));
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
    if (is_paused_ || is_cancelled_) return;
    judge_in_session(e, turn);
    settle(turn);
    const bool is_overdue = turn.now >= e.is.given + policy_.order_timeout;
    switch (e.is.state) {
        case State::due:
            return give_new(
                e, e.place.is_staged && is_agent(e.who) ? OrderKind::stage : OrderKind::upgrade,
                turn);
        case State::staged:
            if (may_activate(e, turn.now)) give_new(e, OrderKind::upgrade, turn);
            return;
        case State::ordered:
        case State::fetching:
        case State::activating:
            if (is_overdue && !e.is_at_work)
                give_again(e, true, turn);
            else if (!e.is.is_taken && (is_agent(e.who) || e.is_given))
                give_again(e, false, turn);
            return;
        default:
            return;
    }
}

void Rollout::give_new(Entry& e, OrderKind kind, Turn& turn) {
    const Member member{static_cast<std::uint32_t>(&e - entries_.data())};
    const bool is_activation = e.is.state == State::staged;
    if (!is_activation) {
        const auto way = way_of(e, turn.now);
        const bool is_lead = way == Way::origin && is_agent(e.who) && !e.place.is_direct;
        e.is.takes_from_origin = is_lead || (way == Way::origin && !is_agent(e.who));
        if (way == Way::peers && !is_agent(e.who)) {
            e.is.server = free_server(e);
            set_proof(e, Proof::trying);
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
    const Member member{static_cast<std::uint32_t>(&e - entries_.data())};
    if (is_next_attempt) {
        ++e.is.attempts;
        e.is.given = turn.now;
        e.is.is_taken = false;
        if (e.is.state == State::fetching)
            enter(e, State::ordered, turn);
        else
            turn.out.push_back(Changed{member});
    }
    e.is_given = true;
    turn.out.push_back(GiveOrder{member, e.is.order, e.is.orders});
}

void Rollout::on_event(const OrderTaken& event, Turn& turn) {
    auto& e = at(event.member);
    e.is.heard = turn.now;
    touch(e.who.site);
    if (e.is.state == State::cancelling) return enter(e, State::cancelled, turn);
    if (e.is.state != State::ordered && e.is.state != State::activating) return;
    e.is.is_taken = true;
    if (event.is_applied) return on_applied(e, turn);
    if (e.is.state == State::ordered)
        enter(e, State::fetching, turn);
    else
        turn.out.push_back(Changed{event.member});
}

void Rollout::on_event(const OrderRefused& event, Turn& turn) {
    auto& e = at(event.member);
    e.is.heard = turn.now;
    touch(e.who.site);
    if (e.is.state == State::cancelling) return enter(e, State::cancelled, turn);
    if (e.is.state == State::ordered || e.is.state == State::activating)
        fail_attempt(e, Reason::fault, event.fault, turn);
}

// An order was carried out.
void Rollout::on_applied(Entry& e, Turn& turn) {
    if (e.is.fetched == Instant{}) e.is.fetched = turn.now;
    e.is.fault = 0;
    e.is.reason = Reason::none;
    if (e.is.proof == Proof::trying) set_proof(e, Proof::passed);
    enter(e, e.is.order == OrderKind::stage ? State::staged : State::rebooting, turn);
}

void Rollout::on_event(const Transferred& event, Turn& turn) {
    auto& e = at(event.member);
    e.is.heard = turn.now;
    touch(e.who.site);
    if (e.is.orders == 0) return;
    // An agent's older word came twice. A plain CPE has but one transfer at a time.
    if (is_agent(e.who) && event.order != 0 && event.order != e.is.orders) return;
    const bool is_success = event.fault == 0;
    switch (e.is.state) {
        case State::ordered:
        case State::fetching:
        case State::activating:
            e.is.is_taken = true;
            if (is_agent(e.who) && event.fault == kAnythingElse && e.booted > e.is.given) {
                e.is.fault = event.fault;
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
            if (!is_success && is_agent(e.who)) {
                e.is.fault = event.fault;
                fail(e, Reason::fault, turn);
            }
            return;
        case State::cancelling:
            if (is_success && e.is.fetched == Instant{}) e.is.fetched = turn.now;
            return enter(e, State::cancelled, turn);
        case State::failed:  // the verdict was there first; now the device says why
            if (is_success) return;
            e.is.fault = event.fault;
            turn.out.push_back(Changed{event.member});
            return;
        default:
            return;
    }
}

void Rollout::on_event(const Unreachable& event, Turn&) {
    auto& e = at(event.member);
    e.is_unreachable = true;
    touch(e.who.site);
}

// --- the operator, the planner, time ------------------------------------------------------------

void Rollout::on_event(const Planned& event, Turn& turn) {
    auto& site = sites_[event.site.value];
    site.is_planned = true;
    site.permitted = turn.now;
    touch(event.site);
}

void Rollout::on_event(const Pause&, Turn&) {
    is_paused_ = true;
}

void Rollout::on_event(const Resume&, Turn&) {
    is_paused_ = false;
    for (auto& e : entries_) e.announced = Instant::never();
    for (std::uint32_t s = 0; s < sites_.size(); ++s) touch(SiteNumber{s});
}

void Rollout::on_event(const Cancel&, Turn& turn) {
    is_cancelled_ = true;
    queue_.clear();
    for (auto& e : entries_) {
        if (is_final(e.is.state)) continue;
        const bool is_out = e.is.state == State::ordered || e.is.state == State::fetching ||
                            e.is.state == State::activating;
        // Plain CPEs hardly know CancelTransfer, and some take an unknown request badly.
        enter(e, is_out && is_agent(e.who) ? State::cancelling : State::cancelled, turn);
    }
}

void Rollout::on_event(const Tick&, Turn& turn) {
    while (!deadlines_.empty() && deadlines_.begin()->first <= turn.now) {
        const auto site = deadlines_.begin()->second;
        deadlines_.erase(deadlines_.begin());
        sites_[site.value].deadline = Instant::never();
        touch(site);
    }
}

// --- one device ---------------------------------------------------------------------------------

void Rollout::enter(Entry& e, State state, Turn& turn) {
    const Member member{static_cast<std::uint32_t>(&e - entries_.data())};
    if (is_final(state) && !is_final(e.is.state)) --open_;
    e.is.state = state;
    e.is.changed = turn.now;
    e.announced = Instant::never();
    touch(e.who.site);
    turn.out.push_back(Changed{member});
}

void Rollout::fail(Entry& e, Reason reason, Turn& turn) {
    e.is.reason = reason;
    if (e.is.proof == Proof::trying) set_proof(e, Proof::faulted);
    enter(e, State::failed, turn);
}

void Rollout::fail_attempt(Entry& e, Reason reason, std::uint32_t fault, Turn& turn) {
    e.is.reason = reason;
    e.is.fault = fault;
    // What went wrong between a plain CPE and a master may go well with the origin.
    const bool was_sent_to_master = e.is.proof == Proof::trying;
    if (was_sent_to_master) {
        set_proof(e, Proof::faulted);
        e.is.takes_from_origin = true;
        e.is.server = kNobody;
    }
    const bool is_hopeless =
        fault != 0 && !was_sent_to_master && !is_worth_retrying(fault, e.who.kind);
    if (is_hopeless || e.is.attempts >= policy_.max_attempts) return fail(e, reason, turn);
    const bool is_staged = e.is.state == State::activating;
    enter(e, is_staged ? State::staged : State::retrying, turn);
}

void Rollout::set_proof(Entry& e, Proof proof) {
    const auto model = e.who.model;
    const auto kind = e.place.kind;
    const auto before = e.is.proof;
    e.is.proof = proof;
    if (!canaries_.on_proof(model, kind, before, proof)) return;
    for (const auto site : plain_sites_[{model, kind}]) touch(site);
}

}  // namespace sluice::rollout
