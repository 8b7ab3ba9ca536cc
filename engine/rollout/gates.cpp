// Who may go, and whom it takes from: questions on what stands, without effects.

#include <algorithm>

#include "engine/rollout/rollout.hpp"

namespace sluice::rollout {
namespace {

constexpr bool is_agent(const Enrolment& who) {
    return who.kind == inventory::DeviceKind::agent;
}

constexpr bool has_order(State state) {
    return state == State::ordered || state == State::fetching;
}

// Not yet ordered, or between two orders: it must come to a session to go on.
constexpr bool is_to_come(State state) {
    return state == State::waiting || state == State::due || state == State::retrying;
}

}  // namespace

bool Rollout::can_serve(const Entry& e) const {
    return e.place.may_serve && e.who.can_serve;
}

// The whole image, verified and durable, in a device that serves. Whatever came of installing it.
bool Rollout::holds(const Entry& e) const {
    return can_serve(e) && e.is.fetched != Instant{};
}

bool Rollout::is_seeding(const Entry& e) const {
    return holds(e) || (can_serve(e) && has_order(e.is.state));
}

// Went to the origin in place of sources that are lost.
bool Rollout::is_lead(const Entry& e) const {
    return is_agent(e.who) && !e.place.is_direct && e.is.takes_from_origin;
}

Instant Rollout::lost_at(const Entry& e) const {
    if (!is_to_come(e.is.state)) return Instant::never();
    const auto patience =
        e.is_unreachable ? policy_.order_timeout : policy_.commit_timeout + policy_.order_timeout;
    return std::max(e.is.heard, e.place.planned) + patience;
}

bool Rollout::is_lost(const Entry& e, Instant now) const {
    if (holds(e)) return false;
    return !can_serve(e) || is_final(e.is.state) || e.is.state == State::cancelling ||
           now >= lost_at(e);
}

bool Rollout::has_other_source(const Entry& e) const {
    const auto& members = site_of(e).members;
    return std::any_of(members.begin(), members.end(), [&](Member m) {
        const auto& other = at(m);
        return &other != &e && (holds(other) || (is_lead(other) && is_seeding(other)));
    });
}

Rollout::Way Rollout::way_of(const Entry& e, Instant now) const {
    const auto& site = site_of(e);
    if (!site.has_permit || !e.is_planned) return Way::closed;
    if (!is_agent(e.who) && e.who.is_gateway && !is_turn_of_gateway(e, e.place.planned, now))
        return Way::closed;
    if (e.place.is_direct || e.is.takes_from_origin) return Way::origin;
    return is_agent(e.who) ? agent_way(e, now) : plain_way(e, now);
}

Rollout::Way Rollout::agent_way(const Entry& e, Instant now) const {
    const auto& planned = e.place.sources;
    if (has_other_source(e)) return Way::peers;
    if (planned.empty()) return Way::origin;
    if (std::any_of(planned.begin(), planned.end(), [&](Member s) { return is_seeding(at(s)); }))
        return Way::peers;
    if (!std::all_of(planned.begin(), planned.end(), [&](Member s) { return is_lost(at(s), now); }))
        return Way::closed;
    if (can_serve(e)) return Way::origin;
    // Somebody who can pass it on should go first.
    const auto& members = site_of(e).members;
    const bool is_other_to_come = std::any_of(members.begin(), members.end(), [&](Member m) {
        const auto& other = at(m);
        return &other != &e && can_serve(other) && !is_final(other.is.state) &&
               !is_lost(other, now);
    });
    return is_other_to_come ? Way::closed : Way::origin;
}

bool Rollout::is_demoted(const Entry& e) const {
    const auto& members = site_of(e).members;
    return std::any_of(members.begin(), members.end(), [&](Member m) {
        const auto& other = at(m);
        return !is_agent(other.who) && other.who.model == e.who.model &&
               other.is.proof == Proof::faulted;
    });
}

Member Rollout::free_server(const Entry& e) const {
    const auto& members = site_of(e).members;
    for (const auto s : e.place.sources) {
        const auto& server = at(s);
        const bool is_up = server.is.state == State::staged || is_final(server.is.state);
        if (!holds(server) || !is_up) continue;
        const auto used = std::count_if(members.begin(), members.end(), [&](Member m) {
            return at(m).is.server == s && has_order(at(m).is.state);
        });
        if (static_cast<std::uint32_t>(used) < server.place.reserved_slots) return s;
    }
    return kNobody;
}

Rollout::Way Rollout::plain_way(const Entry& e, Instant now) const {
    const auto& masters = e.place.sources;
    const auto word = canaries_.ask(e.who.model, e.place.kind);
    if (word == Canaries::Word::to_origin || is_demoted(e)) return Way::origin;
    if (std::all_of(masters.begin(), masters.end(), [&](Member s) { return is_lost(at(s), now); }))
        return Way::origin;
    if (word == Canaries::Word::must_wait) return Way::closed;
    return free_server(e) == kNobody ? Way::closed : Way::peers;
}

bool Rollout::is_child_waiting(const Entry& child, Member parent) const {
    if (is_final(child.is.state) || child.is.fetched != Instant{} || child.place.is_direct ||
        child.is.takes_from_origin)
        return false;
    // Goes after its master has installed, and is served then.
    if (!is_agent(child.who) && child.who.is_gateway) return false;
    const auto& sources = child.place.sources;
    if (is_agent(child.who)) return !sources.empty() && sources.front() == parent;
    if (child.is.server != kNobody) return child.is.server == parent;
    return std::find(sources.begin(), sources.end(), parent) != sources.end();
}

bool Rollout::may_activate(const Entry& e, Instant now) const {
    if (e.is.state != State::staged || now < not_before(e)) return false;
    if (e.who.is_gateway && !is_turn_of_gateway(e, e.is.fetched, now)) return false;
    if (now >= e.is.fetched + policy_.drain_max) return true;
    const Member self{static_cast<std::uint32_t>(&e - entries_.data())};
    const auto& members = site_of(e).members;
    return std::none_of(members.begin(), members.end(),
                        [&](Member m) { return is_child_waiting(at(m), self); });
}

// Its reboot takes the site down: after everybody, and gateways one after another. Who is not at
// work is not waited for longer than a drain.
bool Rollout::is_turn_of_gateway(const Entry& e, Instant since, Instant now) const {
    const auto& members = site_of(e).members;
    return std::none_of(members.begin(), members.end(), [&](Member m) {
        const auto& other = at(m);
        if (&other == &e || is_final(other.is.state)) return false;
        if (other.who.is_gateway && other.place.rank > e.place.rank) return false;
        if (now < since + policy_.drain_max) return true;
        const bool is_busy = has_order(other.is.state) || other.is.state == State::activating ||
                             other.is.state == State::rebooting;
        return is_busy && now < other.is.heard + policy_.order_timeout;
    });
}

Instant Rollout::not_before(const Entry& e) const {
    const bool is_waiting_out = e.is.state == State::retrying || e.is.fault != 0;
    return is_waiting_out ? e.is.changed + back_off(policy_, e.is.attempts) : Instant{};
}

// When no word from the device becomes a verdict; never before commit_timeout for one that may be
// on the new image.
Instant Rollout::silent_at(const Entry& e) const {
    const auto last = std::max(e.is.heard, e.is.changed);
    switch (e.is.state) {
        case State::ordered:
        case State::fetching:
        case State::activating:
        case State::rebooting:
            // Beside it what a poll once a day may be late.
            return last + policy_.commit_timeout + policy_.order_timeout;
        case State::trial:
            return e.is.changed + policy_.commit_timeout;
        case State::staged:
            return last + policy_.patience;
        case State::waiting:
        case State::due:
        case State::retrying:
            // That its site has no permit yet is not its fault, if it waits to be called.
            if (e.who.is_callable && !e.is_planned) return Instant::never();
            return std::max(e.is.heard, e.place.planned) + policy_.patience;
        default:
            return Instant::never();
    }
}

// An order is out: when a call may help. An answer takes no longer than a moment.
Instant Rollout::nudge_at(const Entry& e) const {
    switch (e.is.state) {
        case State::ordered:
        case State::activating:
            if (is_agent(e.who) && !e.is.is_taken) return e.is.given + policy_.first_back_off;
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
    if (is_paused_ || is_cancelled_) return false;
    if (e.is.state == State::due) return true;
    return may_activate(e, now) || now >= nudge_at(e);
}

bool Rollout::wants_contact(Member member, Instant now) const {
    return wants_session(at(member), now);
}

std::vector<Member> Rollout::sources(Member member, Instant now) const {
    const auto& e = at(member);
    if (!e.is_planned || e.place.is_direct || e.is.takes_from_origin) return {};
    if (!is_agent(e.who))
        return e.is.server == kNobody ? std::vector<Member>{} : std::vector<Member>{e.is.server};
    std::vector<Member> out;
    for (const auto s : e.place.sources)
        if (!is_lost(at(s), now)) out.push_back(s);
    // One that polls tomorrow stands behind one that serves today.
    std::stable_partition(out.begin(), out.end(), [&](Member s) {
        return is_seeding(at(s)) || (at(s).who.is_callable && !at(s).is_unreachable);
    });
    if (std::any_of(out.begin(), out.end(), [&](Member s) { return is_seeding(at(s)); }))
        return out;
    std::vector<Member> others;
    for (const auto m : site_of(e).members) {
        const auto& other = at(m);
        const bool is_one = holds(other) || (is_lead(other) && is_seeding(other));
        if (&other != &e && is_one && std::find(out.begin(), out.end(), m) == out.end())
            others.push_back(m);
    }
    std::stable_sort(others.begin(), others.end(),
                     [&](Member a, Member b) { return at(a).place.rank < at(b).place.rank; });
    out.insert(out.begin(), others.begin(), others.end());
    return out;
}

}  // namespace sluice::rollout
