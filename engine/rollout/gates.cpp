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

bool Rollout::is_lost(const Entry& e, Instant now) const {
    if (holds(e)) return false;
    // One whose wave is not open, or that another rollout has, comes later or never.
    if (!is_seeding(e) && (e.is_blocked || !is_in_wave(e, now))) return true;
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
    if (!site.has_permit || !e.is_planned || e.is_blocked) return Way::closed;
    if (may_start_at(e, now) > now) return Way::closed;
    if (!is_agent(e.who) && e.who.is_gateway && !is_turn_of_gateway(e, e.place.planned, now))
        return Way::closed;
    auto way = Way::origin;
    if (!e.place.is_direct && !e.is.takes_from_origin)
        way = is_agent(e.who) ? agent_way(e, now) : plain_way(e, now);
    return way == Way::origin && (site.is_held || !may_draw(e)) ? Way::closed : way;
}

// Places at the origin go to who has an order. One that was only promised may be taken by who asks
// in its session: the other may never come.
bool Rollout::may_draw(const Entry& e) const {
    const auto most = policy_.max_origin_transfers;
    if (most == 0 || e.is.draw == Draw::out) return true;
    if (origin_out_ >= most) return false;
    return e.is_asking || e.is.draw == Draw::due || origin_out_ + origin_due_ < most;
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
    const auto word = canaries_->ask(e.who.model, e.place.kind, policy_.plain_canaries);
    if (word == Canaries::Word::to_origin || is_demoted(e)) return Way::origin;
    if (std::all_of(masters.begin(), masters.end(), [&](Member s) { return is_lost(at(s), now); }))
        return Way::origin;
    if (word == Canaries::Word::must_wait) return Way::closed;
    return free_server(e) == kNobody ? Way::closed : Way::peers;
}

bool Rollout::is_child_waiting(const Entry& child, Member parent, Instant now) const {
    if (child.is_blocked || !is_in_wave(child, now)) return false;
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
    if (e.is.state != State::staged || now < not_before(e) || !is_within(e, now)) return false;
    if (e.who.is_gateway && !is_turn_of_gateway(e, e.is.fetched, now)) return false;
    if (now >= e.is.fetched + policy_.drain_max) return true;
    const auto& members = site_of(e).members;
    return std::none_of(members.begin(), members.end(),
                        [&](Member m) { return is_child_waiting(at(m), self(e), now); });
}

// Its reboot takes the site down: after everybody, and gateways one after another. Who is not at
// work is not waited for longer than a drain.
bool Rollout::is_turn_of_gateway(const Entry& e, Instant since, Instant now) const {
    const auto& members = site_of(e).members;
    return std::none_of(members.begin(), members.end(), [&](Member m) {
        const auto& other = at(m);
        if (&other == &e || is_final(other.is.state)) return false;
        if (other.is_blocked || !is_in_wave(other, now)) return false;
        if (other.who.is_gateway && other.place.rank > e.place.rank) return false;
        if (now < since + policy_.drain_max) return true;
        const bool is_busy = has_order(other.is.state) || other.is.state == State::activating ||
                             other.is.state == State::rebooting;
        return is_busy && now < other.is.heard + policy_.order_timeout;
    });
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
        return is_seeding(at(s)) || (at(s).who.is_callable && !is_unreachable(at(s)));
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
