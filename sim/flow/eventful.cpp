#include "sim/flow/eventful.hpp"

#include <algorithm>
#include <cmath>

#include "engine/transfer/policy.hpp"
#include "sim/flow/random.hpp"

namespace sluice::sim::flow {
namespace {

using scenario::DeathKind;
using scenario::LanKind;
using scenario::Strategy;

constexpr double seconds(Duration d) {
    return std::chrono::duration<double>(d).count();
}

// Verified pieces become durable after so long; what is younger goes with the power (the agent's
// sync thread, docs/adr/0002).
constexpr double kFlushAfter = 1;

}  // namespace

EventfulGroups::EventfulGroups(const EventfulContext& context)
    : context_(context),
      retries_(mix64(context.seed ^ static_cast<std::uint64_t>(Stream::retry))) {}

std::uint32_t EventfulGroups::device(Place p) const {
    return context_.plans.member[context_.plans.first_member[groups_[p.group].plan] + p.rank];
}

void EventfulGroups::after(double at, Kind kind, Place place, std::uint32_t stamp) {
    timers_.push({at, kind, place, stamp});
}

std::uint32_t EventfulGroups::add(std::uint32_t plan) {
    const auto& s = context_.scenario;
    const auto& plans = context_.plans;
    const auto& population = context_.population;
    const auto index = static_cast<std::uint32_t>(groups_.size());
    groups_.push_back({plan, {}, {}});
    auto& group = groups_.back();
    const auto begin = plans.first_member[plan];
    const auto pieces = static_cast<double>(context_.piece_bits.size());
    // A device that shares with nobody has no sources but the origin; it stands here all the same.
    group.members.resize(plans.size(plan));
    for (std::uint32_t rank = 0; rank < group.members.size(); ++rank) {
        auto& m = group.members[rank];
        const auto d = plans.member[begin + rank];
        if (rank < plans.sharing[plan])
            for (auto i = plans.first_source[begin + rank];
                 i < plans.first_source[begin + rank + 1]; ++i)
                m.sources.push_back({plans.source[i]});
        m.cap_bps = population.down_bps[d] * s.goodput;
        if (s.flash_write > 0) m.cap_bps = std::min(m.cap_bps, 8 * s.flash_write);
        m.up = lan_.add_link(population.up_bps[d] * s.goodput);
    }
    if (s.lan == LanKind::wifi) {
        // Every bit crosses the air twice: to the access point, and from it.
        const auto site = population.site[plans.member[begin]];
        auto at = airs_.find(site);
        if (at == airs_.end())
            at = airs_.emplace(site, lan_.add_link(s.air_rate * s.goodput / 2)).first;
        group.air = at->second;
    }
    if (plans.sharing[plan] > 1 && draw(context_.seed, Stream::death, plan) < s.master_death) {
        const auto part = s.death_at.quantile(draw(context_.seed, Stream::death_at, plan));
        group.dies_at = static_cast<std::uint32_t>(std::clamp(part, 0.0, 1.0) * pieces);
    }
    for (std::uint32_t rank = 0; rank < group.members.size(); ++rank) plan_outages({index, rank});
    return index;
}

void EventfulGroups::plan_outages(Place place) {
    const auto& s = context_.scenario;
    if (s.outages_per_day <= 0) return;
    const auto d = device(place);
    auto at = context_.out.starts_at[d];
    for (std::uint64_t n = 0; n < 64; ++n) {
        at +=
            -std::log1p(-draw(context_.seed, Stream::outage, d, 2 * n)) * 86400 / s.outages_per_day;
        if (at > context_.out.starts_at[d] + 7 * 86400) return;
        const auto length =
            s.outage_length.quantile(draw(context_.seed, Stream::outage, d, 2 * n + 1));
        after(at, Kind::die, place, 0);
        after(at + length, Kind::boot, place, 0);
        at += length;
    }
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

// --- whom to ask --------------------------------------------------------------------------------

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
        if (!is_usable(place, m.sources[i], now)) continue;
        const bool has_more = offered(members[m.sources[i].rank]) > m.received;
        const bool is_current = m.current == static_cast<std::int8_t>(i);
        if (has_more || is_current || next == kNoSource) next = static_cast<std::int8_t>(i);
        if (has_more || is_current) break;
    }
    if (next == kNoSource) return ask_origin(place, now);
    m.current = next;
    m.peerless_since = kNotDone;
    if (offered(members[m.sources[static_cast<std::size_t>(next)].rank]) > m.received)
        return open_lan(place);
    m.state = State::waiting;
    // One that lives and gives nothing is waited for, but not for ever.
    after(now + context_.plans.starve_limit, Kind::left, place, m.stamp);
}

void EventfulGroups::ask_origin(Place place, double now) {
    auto& m = member(place);
    if (m.sources.empty()) return open_wan(place);
    if (m.peerless_since == kNotDone) m.peerless_since = now;
    const auto& plans = context_.plans;
    const auto at = plans.first_member[groups_[place.group].plan] + place.rank;
    auto due = m.peerless_since + plans.origin_delay[at];
    for (const auto& source : m.sources)
        if (is_expected(place, source)) due = std::max(due, m.started_at + plans.join_grace);
    if (due <= now) {
        if (m.current != kOrigin) ++context_.out.origin_fallbacks;
        return open_wan(place);
    }
    m.state = State::delayed;
    after(due, Kind::choose, place, m.stamp);
}

void EventfulGroups::open_lan(Place place) {
    auto& m = member(place);
    const auto& group = groups_[place.group];
    const auto& peer = group.members[m.sources[static_cast<std::size_t>(m.current)].rank];
    network::Route route;
    route.add(peer.up);
    if (context_.scenario.lan == LanKind::wifi) route.add(group.air);
    m.flow = lan_.open(route.all(), m.cap_bps, context_.piece_bits[m.received]);
    if (lan_owner_.size() <= m.flow.value) lan_owner_.resize(m.flow.value + 1);
    lan_owner_[m.flow.value] = place;
    m.state = State::fetching;
}

void EventfulGroups::open_wan(Place place) {
    auto& m = member(place);
    m.current = kOrigin;
    const auto site = context_.population.site[device(place)];
    m.flow =
        context_.wan.open(context_.site_links[site], m.cap_bps, context_.piece_bits[m.received]);
    auto& owners = context_.wan_owners;
    if (owners.size() <= m.flow.value) owners.resize(m.flow.value + 1);
    owners[m.flow.value] = {place.group, place.rank, true};
    m.state = State::fetching;
}

void EventfulGroups::close_flow(Place place) {
    auto& m = member(place);
    if (m.state != State::fetching) return;
    auto& network = m.current == kOrigin ? static_cast<network::FluidNetwork&>(context_.wan) : lan_;
    const auto gone = m.received < context_.piece_bits.size()
                          ? context_.piece_bits[m.received] - network.left(m.flow)
                          : 0.0;
    // Cut off inside a piece: what came of it crossed the links for nothing.
    if (gone > 1e-6) {
        context_.out.wasted_bits += gone;
        if (m.current == kOrigin) context_.out.origin_bits += gone;
    }
    network.close(m.flow);
    m.state = State::idle;
}

// --- what happens -------------------------------------------------------------------------------

void EventfulGroups::piece_arrived(Place place, double now) {
    auto& m = member(place);
    const auto bits = context_.piece_bits[m.received];
    const bool is_from_origin = m.current == kOrigin;
    if (is_from_origin) {
        context_.out.origin_bits += bits;
    } else {
        auto& source = m.sources[static_cast<std::size_t>(m.current)];
        const auto peer = device({place.group, source.rank});
        if ((context_.population.flags[peer] & Population::kPoison) != 0) {
            context_.out.wasted_bits += bits;
            lan_.close(m.flow);
            m.state = State::idle;
            source.is_banned = true;
            ++context_.out.lost_sources;
            m.current = kNoSource;
            return choose(place, now);
        }
        source.failures = 0;
    }
    ++m.received;
    const auto& s = context_.scenario;
    const bool is_last = m.received == context_.piece_bits.size();
    const bool may_go_on =
        !is_last && (is_from_origin ? m.sources.empty()
                                    : m.current == 0 &&
                                          offered(groups_[place.group].members[m.sources[0].rank]) >
                                              m.received);
    if (may_go_on) {
        auto& network = is_from_origin ? static_cast<network::FluidNetwork&>(context_.wan) : lan_;
        network.refill(m.flow, context_.piece_bits[m.received]);
    } else {
        auto& network = is_from_origin ? static_cast<network::FluidNetwork&>(context_.wan) : lan_;
        network.close(m.flow);
        m.state = State::idle;
    }
    if (s.piece_time > 0)
        after(now + s.piece_time, Kind::verified, place, m.life);
    else
        piece_verified(place, now);
    if (!may_go_on && m.is_on && m.state != State::finished) choose(place, now);
}

void EventfulGroups::piece_verified(Place place, double now) {
    auto& m = member(place);
    if (now >= m.flush_due) {
        m.durable = m.have;
        m.flush_due = now + kFlushAfter;
    }
    ++m.have;
    auto& group = groups_[place.group];
    if (m.have == context_.piece_bits.size()) {
        m.state = State::finished;
        context_.out.done_at[device(place)] = now;
    }
    if (place.rank == 0 && m.have == group.dies_at) {
        group.dies_at = 0xffffffff;
        return go_down(place, context_.scenario.death_kind, now);
    }
    wake(place, now);
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

void EventfulGroups::go_down(Place place, DeathKind how, double now) {
    auto& m = member(place);
    if (!m.is_on) return;
    close_flow(place);
    m.is_on = false;
    ++m.life;
    ++m.stamp;
    if (m.state != State::finished) {
        if (how == DeathKind::power) m.have = m.durable;
        m.received = m.have;
        m.state = State::idle;
    }
    m.current = kNoSource;
    auto& group = groups_[place.group];
    for (auto rank = place.rank + 1; rank < group.members.size(); ++rank) {
        auto& other = group.members[rank];
        if (other.current < 0 || other.current == kOrigin) continue;
        if (other.sources[static_cast<std::size_t>(other.current)].rank != place.rank) continue;
        if (other.state != State::fetching && other.state != State::waiting) continue;
        close_flow({place.group, rank});
        other.state = State::stalled;
        ++other.stamp;
        // A process that dies resets its connections; a device without power only falls silent.
        const auto notice = how == DeathKind::power ? seconds(transfer::kSilenceAfter) : 0;
        after(now + notice, Kind::left, {place.group, rank}, other.stamp);
    }
    if (context_.scenario.death_returns > 0 && place.rank == 0 &&
        context_.scenario.master_death > 0)
        after(now + context_.scenario.death_returns, Kind::boot, place, 0);
}

void EventfulGroups::come_up(Place place, double now) {
    auto& m = member(place);
    if (m.is_on || m.started_at == kNotDone) return;
    m.is_on = true;
    m.current = kNoSource;
    m.peerless_since = kNotDone;
    choose(place, now);
    wake(place, now);
}

double EventfulGroups::next_event() {
    const auto timer = timers_.empty() ? kNotDone : timers_.top().at;
    return std::min(lan_.next_finish(), timer);
}

void EventfulGroups::step() {
    if (timers_.empty() || lan_.next_finish() <= timers_.top().at) {
        const auto flow = lan_.pop();
        return piece_arrived(lan_owner_[flow.value], lan_.now());
    }
    const auto timer = timers_.top();
    timers_.pop();
    lan_.advance(timer.at);
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
            return go_down(timer.place, DeathKind::power, timer.at);
        case Kind::boot:
            return come_up(timer.place, timer.at);
    }
}

}  // namespace sluice::sim::flow
