// Over which links bytes come, and what their arrival is to a device.
#include <algorithm>

#include "sim/flow/eventful.hpp"

namespace sluice::sim::flow {
namespace {

using network::LinkKind;
using scenario::LanKind;

// Verified pieces become durable this long after the first of them, or when this much waits; what
// is younger goes with the power (the agent's sync thread, docs/adr/0002).
constexpr double kFlushAfter = 1;
constexpr double kFlushBits = 8.0 * (4 << 20);

}  // namespace

// Joined: origin, aggregations and lines are links here, beside ports and air.
void EventfulGroups::make_links() {
    const auto& s = context_.scenario;
    origin_ = net_.add_link(s.origin_rate * s.goodput, LinkKind::origin);
    for (std::uint64_t a = 0; a < s.aggregations; ++a)
        aggregations_.push_back(
            net_.add_link(s.aggregation_rate * s.goodput, LinkKind::aggregation));
    if (s.lan == LanKind::lines) return;  // each device's own: its cap, and its uplink
    for (const auto bps : context_.population.access_bps)
        lines_.push_back(net_.add_link(bps * s.goodput, LinkKind::site));
}

network::LinkId EventfulGroups::air_of(std::uint32_t site) {
    auto at = airs_.find(site);
    if (at == airs_.end()) {
        const auto& s = context_.scenario;
        at = airs_.emplace(site, net_.add_link(s.air_rate * s.goodput)).first;
    }
    return at->second;
}

// A site's first device is its gateway, and its access point: what it sends or takes itself
// crosses the air once less.
bool EventfulGroups::is_station(std::uint32_t device) const {
    const auto& population = context_.population;
    return device != population.first_device[population.site[device]];
}

void EventfulGroups::open_peer(Place place) {
    auto& m = member(place);
    const auto source = m.sources[static_cast<std::size_t>(m.current)].rank;
    network::Route route;
    route.add(groups_[place.group].members[source].up);
    if (context_.scenario.lan == LanKind::wifi) {
        const auto air = air_of(context_.population.site[device(place)]);
        if (is_station(device({place.group, source}))) route.add(air);
        if (is_station(device(place))) route.add(air);
    }
    m.flow = net_.open(route.all(), m.cap_bps, context_.piece_bits[m.received]);
    if (owner_.size() <= m.flow.value) owner_.resize(m.flow.value + 1);
    owner_[m.flow.value] = place;
    m.state = State::fetching;
}

void EventfulGroups::open_origin(Place place) {
    auto& m = member(place);
    m.current = kOrigin;
    m.state = State::fetching;
    const auto d = device(place);
    const auto site = context_.population.site[d];
    const auto bits = context_.piece_bits[m.received];
    if (!is_joined_) {
        m.flow = context_.wan.open(context_.site_links[site], m.cap_bps, bits);
        auto& owners = context_.wan_owners;
        if (owners.size() <= m.flow.value) owners.resize(m.flow.value + 1);
        owners[m.flow.value] = context_.plans.first_member[groups_[place.group].plan] + place.rank;
        return;
    }
    network::Route route;
    route.add(origin_);
    if (!aggregations_.empty()) route.add(aggregations_[site % aggregations_.size()]);
    if (!lines_.empty()) route.add(lines_[site]);
    if (context_.scenario.lan == LanKind::wifi && is_station(d)) route.add(air_of(site));
    m.flow = net_.open(route.all(), m.cap_bps, bits);
    if (owner_.size() <= m.flow.value) owner_.resize(m.flow.value + 1);
    owner_[m.flow.value] = place;
}

network::FluidNetwork& EventfulGroups::network_of(const Member& m) {
    if (is_joined_ || m.current != kOrigin) return net_;
    return context_.wan;
}

void EventfulGroups::close_flow(Place place) {
    auto& m = member(place);
    if (m.state != State::fetching) return;
    auto& network = network_of(m);
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

void EventfulGroups::piece_arrived(Place place, double now) {
    auto& m = member(place);
    const auto bits = context_.piece_bits[m.received];
    const bool is_from_origin = m.current == kOrigin;
    if (is_from_origin) {
        context_.out.origin_bits += bits;
    } else {
        auto& source = m.sources[static_cast<std::size_t>(m.current)];
        if (is_lie(place)) {
            context_.out.wasted_bits += bits;
            net_.close(m.flow);
            m.state = State::idle;
            source.is_banned = true;
            ++context_.out.lost_sources;
            m.current = kNoSource;
            return choose(place, now);
        }
        source.failures = 0;
        source.busy_since = kNotDone;
    }
    ++m.received;
    const bool is_last = m.received == context_.piece_bits.size();
    // The next piece on the same flow: nobody else comes into question for it.
    const bool may_go_on =
        !is_last && (is_from_origin ? m.sources.empty()
                                    : m.current == 0 && takes_more(place, now) &&
                                          offered(groups_[place.group].members[m.sources[0].rank]) >
                                              m.received);
    auto& network = network_of(m);
    if (may_go_on) {
        network.refill(m.flow, context_.piece_bits[m.received]);
    } else {
        network.close(m.flow);
        m.state = State::idle;
    }
    if (context_.scenario.piece_time > 0)
        after(now + context_.scenario.piece_time, Kind::verified, place, m.life);
    else
        piece_verified(place, now);
    if (!may_go_on && m.is_on && m.state != State::finished) choose(place, now);
}

void EventfulGroups::piece_verified(Place place, double now) {
    auto& m = member(place);
    flush(m, now);
    if (m.have == m.durable) m.flush_due = now + kFlushAfter;
    ++m.have;
    const auto waiting = static_cast<double>(m.have - m.durable) * context_.piece_bits.front();
    if (waiting >= kFlushBits) m.durable = m.have;
    auto& group = groups_[place.group];
    if (m.have == context_.piece_bits.size()) {
        m.state = State::finished;
        context_.out.done_at[device(place)] = now;
        ++finished_;
    }
    if (place.rank == 0 && m.have == group.dies_at) {
        group.dies_at = kNone;
        return go_down(place, context_.scenario.death_kind, now);
    }
    wake(place, now);
}

}  // namespace sluice::sim::flow
