// Whom a device asks, and when it asks somebody else. Links are eventful_links.cpp's, faults
// eventful_faults.cpp's.
#include "sim/flow/eventful.hpp"

#include <algorithm>

#include "engine/transfer/policy.hpp"
#include "sim/flow/random.hpp"

namespace sluice::sim::flow {
namespace {

using scenario::Strategy;

constexpr double seconds(Duration d) {
    return std::chrono::duration<double>(d).count();
}

// What a server says in Retry-After when its processor is over the gate (engine/serving).
constexpr double kBusyFor = 5;

}  // namespace

EventfulGroups::EventfulGroups(const EventfulContext& context)
    : context_(context),
      is_joined_(is_joined(context.scenario, context.strategy)),
      run_length_(transfer::run_length(static_cast<std::uint32_t>(context.scenario.pieces), 1)),
      retries_(mix64(context.seed ^ static_cast<std::uint64_t>(Stream::retry))) {
    if (is_joined_) make_links();
}

std::uint32_t EventfulGroups::device(Place p) const {
    return context_.plans.member[context_.plans.first_member[groups_[p.group].plan] + p.rank];
}

void EventfulGroups::after(double at, Kind kind, Place place, std::uint32_t stamp) {
    timers_.push({at, kind, place, stamp});
}

void EventfulGroups::add(std::uint32_t plan) {
    const auto& s = context_.scenario;
    const auto& plans = context_.plans;
    const auto& population = context_.population;
    const auto index = static_cast<std::uint32_t>(groups_.size());
    if (number_of_.empty()) number_of_.assign(plans.groups(), kNone);
    number_of_[plan] = index;
    groups_.push_back({plan, {}});
    auto& group = groups_.back();
    const auto begin = plans.first_member[plan];
    // A device that shares with nobody has no sources but the origin; it stands here all the same.
    group.members.resize(plans.size(plan));
    for (std::uint32_t rank = 0; rank < group.members.size(); ++rank) {
        auto& m = group.members[rank];
        const auto d = plans.member[begin + rank];
        if (rank < plans.sharing[plan]) {
            const auto sources = plans.sources(begin + rank);
            for (const auto source : sources) m.sources.push_back({source});
        }
        m.cap_bps = population.down_bps[d] * s.goodput;
        if (s.flash_write > 0) m.cap_bps = std::min(m.cap_bps, 8 * s.flash_write);
        m.up = net_.add_link(population.up_bps[d] * s.goodput);
    }
    plan_death(group);
    for (std::uint32_t rank = 0; rank < group.members.size(); ++rank) plan_outages({index, rank});
}

void EventfulGroups::begin(Place place, double now) {
    auto& m = member(place);
    if (m.started_at != kNotDone) return;
    m.started_at = now;
    m.is_on = true;
    if (place.rank == 0 && groups_[place.group].dies_at == 0)
        return go_down(place, context_.scenario.death_kind, now);
    if (context_.scenario.request_delay > 0)
        after(now + context_.scenario.request_delay, Kind::choose, place, m.stamp);
    else
        choose(place, now);
    wake(place, now);
}

std::uint32_t EventfulGroups::offered(const Member& peer) const {
    if (context_.strategy != Strategy::store_and_forward) return peer.have;
    return peer.have == context_.piece_bits.size() ? peer.have : 0;
}

bool EventfulGroups::is_usable(Place place, const Source& source, double now) {
    const auto& peer = groups_[place.group].members[source.rank];
    return peer.is_on && !source.is_banned && now >= source.benched_until;
}

// Never reached so far: it may still come (join grace).
bool EventfulGroups::is_expected(Place place, const Source& source) {
    const auto& peer = groups_[place.group].members[source.rank];
    return peer.started_at == kNotDone && !source.is_banned;
}

// By a processor over its gate: alive, and to be asked again. What it has taken goes on.
bool EventfulGroups::is_turned_away(Place place, std::size_t index, double now) {
    auto& m = member(place);
    auto& source = m.sources[index];
    if (now < source.busy_until) return true;
    const bool is_taken =
        m.current == static_cast<std::int8_t>(index) && m.received < m.asked_until;
    if (is_taken || !context_.cpu.is_over_gate(device({place.group, source.rank}), now))
        return false;
    source.busy_since = std::min(source.busy_since, now);
    ++context_.out.turned_away;
    if (now < source.busy_since + context_.plans.starve_limit) {
        source.busy_until = now + kBusyFor;
    } else {
        source.busy_since = kNotDone;
        source.benched_until = now + seconds(transfer::kStarvedPause);
        ++context_.out.lost_sources;
    }
    return true;
}

// Whether the source goes on with the next piece: of the same request, or of one that it takes.
bool EventfulGroups::takes_more(Place place, double now) {
    auto& m = member(place);
    if (m.received < m.asked_until) return true;
    const auto source = m.sources[static_cast<std::size_t>(m.current)].rank;
    if (context_.cpu.is_over_gate(device({place.group, source}), now)) return false;
    m.asked_until = m.received + run_length_;
    return true;
}

void EventfulGroups::choose(Place place, double now) {
    auto& m = member(place);
    if (!m.is_on || m.state == State::finished || m.state == State::fetching ||
        m.state == State::stalled || m.received == context_.piece_bits.size())
        return;
    ++m.stamp;
    const auto& members = groups_[place.group].members;
    std::int8_t next = kNoSource;
    // The one it has, as long as it lives; an earlier one that came back with more goes first.
    for (std::size_t i = 0; i < m.sources.size(); ++i) {
        if (!is_usable(place, m.sources[i], now) || is_turned_away(place, i, now)) continue;
        const bool has_more = offered(members[m.sources[i].rank]) > m.received;
        const bool is_current = m.current == static_cast<std::int8_t>(i);
        if (has_more || is_current || next == kNoSource) next = static_cast<std::int8_t>(i);
        if (has_more || is_current) break;
    }
    if (next == kNoSource) return wait_for_busy(place, now);
    if (m.current != next || m.received >= m.asked_until) m.asked_until = m.received + run_length_;
    if (m.current != next || m.state != State::waiting) m.waits_since = now;
    m.current = next;
    m.peerless_since = kNotDone;
    if (offered(members[m.sources[static_cast<std::size_t>(next)].rank]) > m.received)
        return open_peer(place);
    m.state = State::waiting;
    // One that lives and gives nothing is waited for, but not for ever.
    after(now + context_.plans.starve_limit, Kind::left, place, m.stamp);
}

// Whoever is busy is alive, and the origin waits; without one the device is on its own.
void EventfulGroups::wait_for_busy(Place place, double now) {
    auto& m = member(place);
    auto due = kNotDone;
    for (const auto& source : m.sources)
        if (is_usable(place, source, now) && now < source.busy_until)
            due = std::min(due, source.busy_until);
    if (due == kNotDone) return ask_origin(place, now);
    m.current = kNoSource;
    m.peerless_since = kNotDone;
    m.state = State::waiting;
    after(due, Kind::choose, place, m.stamp);
}

void EventfulGroups::ask_origin(Place place, double now) {
    auto& m = member(place);
    if (m.sources.empty()) return open_origin(place);
    if (m.peerless_since == kNotDone) m.peerless_since = now;
    const auto& plans = context_.plans;
    const auto at = plans.first_member[groups_[place.group].plan] + place.rank;
    auto due = m.peerless_since + plans.origin_delay[at];
    for (const auto& source : m.sources)
        if (is_expected(place, source)) due = std::max(due, m.started_at + plans.join_grace);
    if (due <= now) {
        if (m.current != kOrigin) ++context_.out.origin_fallbacks;
        return open_origin(place);
    }
    m.state = State::delayed;
    after(due, Kind::choose, place, m.stamp);
}

void EventfulGroups::leave(Place place, double now) {
    auto& m = member(place);
    if (m.state == State::stalled || m.state == State::waiting) m.state = State::idle;
    if (m.current >= 0 && m.current != kOrigin) {
        auto& source = m.sources[static_cast<std::size_t>(m.current)];
        const auto is_on = groups_[place.group].members[source.rank].is_on;
        source.failures = static_cast<std::uint8_t>(std::min(source.failures + 1, 255));
        const auto pause = is_on ? transfer::kStarvedPause
                                 : transfer::retry_delay(transfer::Fault::unreachable,
                                                         transfer::SourceHistory::known_peer,
                                                         source.failures, retries_);
        source.benched_until = now + seconds(pause);
        ++context_.out.lost_sources;
    }
    m.current = kNoSource;
    choose(place, now);
}

// Whoever waits for this one, or has given up on all, looks again.
void EventfulGroups::wake(Place source, double now) {
    auto& group = groups_[source.group];
    for (auto rank = source.rank + 1; rank < group.members.size(); ++rank) {
        const auto state = group.members[rank].state;
        if (state != State::waiting && state != State::delayed) continue;
        for (const auto& s : group.members[rank].sources)
            if (s.rank == source.rank) {
                choose({source.group, rank}, now);
                break;
            }
    }
}

double EventfulGroups::next_event() {
    const auto timer = timers_.empty() ? kNotDone : timers_.top().at;
    return std::min(net_.next_finish(), timer);
}

void EventfulGroups::step() {
    if (timers_.empty() || net_.next_finish() <= timers_.top().at) {
        const auto flow = net_.pop();
        return piece_arrived(owner_[flow.value], net_.now());
    }
    const auto timer = timers_.top();
    timers_.pop();
    net_.advance(timer.at);
    const auto& m = member(timer.place);
    switch (timer.kind) {
        case Kind::verified:
            if (timer.stamp == m.life) piece_verified(timer.place, timer.at);
            return;
        case Kind::choose:
            if (timer.stamp == m.stamp) choose(timer.place, timer.at);
            return;
        case Kind::left:
            if (timer.stamp == m.stamp) leave(timer.place, timer.at);
            return;
        case Kind::die:
            return go_down(timer.place, scenario::DeathKind::power, timer.at);
        case Kind::boot:
            return come_up(timer.place, timer.at);
    }
}

std::size_t EventfulGroups::bytes() const {
    auto total = net_.bytes() + owner_.capacity() * sizeof(Place) +
                 number_of_.capacity() * sizeof(std::uint32_t) +
                 groups_.capacity() * sizeof(Group) + timers_.size() * sizeof(Timer);
    for (const auto& group : groups_) {
        total += group.members.capacity() * sizeof(Member);
        for (const auto& m : group.members) total += m.sources.capacity() * sizeof(Source);
    }
    return total;
}

}  // namespace sluice::sim::flow
