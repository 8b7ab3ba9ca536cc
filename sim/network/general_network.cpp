#include "sim/network/general_network.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sluice::sim::network {
namespace {

// A trunk that rounding fills a little beyond its capacity is not overloaded.
constexpr double kRounding = 1 + 1e-14;

}  // namespace

auto GeneralNetwork::sooner() const {
    return [this](Index a, Index b) {
        return flows_[a].ends != flows_[b].ends ? flows_[a].ends < flows_[b].ends : a < b;
    };
}
auto GeneralNetwork::place() {
    return [this](Index flow) -> Index& { return flows_[flow].place; };
}

LinkId GeneralNetwork::add_link(double bps, LinkKind kind) {
    const LinkId link{static_cast<Index>(links_.size())};
    links_.emplace_back();
    links_.back().capacity = bps;
    links_.back().kind = kind;
    capacity_.push_back(bps);
    if (links_.back().is_trunk()) trunks_.push_back(link);
    return link;
}

FlowId GeneralNetwork::open(std::span<const LinkId> path, double cap_bps, double bits) {
    assert(!path.empty() && path.size() <= Route{}.links.size() && cap_bps > 0 && bits >= 0);
    Index flow;
    if (free_.empty()) {
        flow = static_cast<Index>(flows_.size());
        flows_.emplace_back();
    } else {
        flow = free_.back();
        free_.pop_back();
    }
    auto& f = flows_[flow];
    f = Flow{};
    for (const auto link : path) {
        f.route.add(link);
        auto& l = links_[link.value];
        l.flows.push_back(flow);
        touched_.push_back(link);
        if (l.kind == LinkKind::origin) hold(f, static_cast<std::uint8_t>(LinkKind::inner));
    }
    f.cap = cap_bps;
    f.left = bits;
    f.settled = now_;
    f.is_open = true;
    opened_.push_back(flow);
    return FlowId{flow};
}

void GeneralNetwork::refill(FlowId id, double bits) {
    auto& f = flows_[id.value];
    settle(f);
    f.left += bits;
    predict(id.value);
}

void GeneralNetwork::close(FlowId id) {
    auto& f = flows_[id.value];
    f.is_open = false;
    if (f.place != IndexedHeap::kNowhere) finishes_.erase(id.value, sooner(), place());
    for (const auto link : f.route.all()) {
        auto& l = links_[link.value];
        std::erase(l.flows, id.value);
        touched_.push_back(link);
        if (!l.is_trunk() || f.rate == 0) continue;
        l.load = l.flows.empty() ? 0 : l.load - f.rate;
        l.has_lost = true;
    }
    hold(f, kNotFromOrigin);
    free_.push_back(id.value);
}

void GeneralNetwork::set_capacity(LinkId link, double bps) {
    links_[link.value].capacity = capacity_[link.value] = bps;
    touched_.push_back(link);
    is_trunk_changed_ |= links_[link.value].is_trunk();
}

void GeneralNetwork::hold(Flow& flow, std::uint8_t holder) {
    if (flow.holder != kNotFromOrigin) --held_by_[flow.holder];
    flow.holder = holder;
    if (holder != kNotFromOrigin) ++held_by_[holder];
}

void GeneralNetwork::settle(Flow& flow) const {
    flow.left = std::max(0.0, flow.left - flow.rate * (now_ - flow.settled));
    flow.settled = now_;
}

void GeneralNetwork::predict(Index flow) {
    auto& f = flows_[flow];
    f.ends = f.rate > 0 ? now_ + f.left / f.rate : kUnlimited;
    if (f.place == IndexedHeap::kNowhere)
        finishes_.insert(flow, sooner(), place());
    else
        finishes_.update(flow, sooner(), place());
}

// --- solving ------------------------------------------------------------------------------------

// Adds to component_ the flows that share a link with `start`, with those, and so on.
void GeneralNetwork::gather(LinkId start, bool stops_at_trunks) {
    frontier_.assign(1, start);
    links_[start.value].seen = round_;
    while (!frontier_.empty()) {
        const auto link = frontier_.back();
        frontier_.pop_back();
        for (const auto flow : links_[link.value].flows) {
            auto& f = flows_[flow];
            if (std::exchange(f.seen, round_) == round_) continue;
            component_.push_back(flow);
            for (const auto next : f.route.all()) {
                auto& l = links_[next.value];
                if (stops_at_trunks && l.is_trunk()) continue;
                if (std::exchange(l.seen, round_) != round_) frontier_.push_back(next);
            }
        }
    }
}

double GeneralNetwork::trunk_level(const Flow& flow) const {
    auto level = kUnlimited;
    for (const auto link : flow.route.all()) level = std::min(level, links_[link.value].level);
    return level;
}

// Solves component_ from there on; inside, with trunks as they stand: a cap at their level.
void GeneralNetwork::fill(std::size_t from, bool is_inside) {
    if (from == component_.size()) return;
    std::sort(component_.begin() + static_cast<std::ptrdiff_t>(from), component_.end());
    demands_.resize(from);
    for (auto i = from; i < component_.size(); ++i) {
        const auto& f = flows_[component_[i]];
        Demand demand{f.route, f.cap, 0, {}};
        if (is_inside && !trunks_.empty()) {
            demand.cap = std::min(f.cap, trunk_level(f));
            demand.route = {};
            for (const auto link : f.route.all())
                if (!links_[link.value].is_trunk()) demand.route.add(link);
        }
        demands_.push_back(demand);
    }
    filling_.solve(capacity_, std::span(demands_).subspan(from));
    ++solves_;
}

void GeneralNetwork::accept(bool is_inside) {
    for (std::size_t i = 0; i < component_.size(); ++i) {
        auto& f = flows_[component_[i]];
        f.binding = demands_[i].binding;
        const auto rate = demands_[i].rate;
        if (is_inside && !f.binding && rate < f.cap)
            for (const auto link : f.route.all())
                if (links_[link.value].level == rate) f.binding = link;
        if (f.holder != kNotFromOrigin)
            hold(f, static_cast<std::uint8_t>(f.binding ? links_[f.binding->value].kind
                                                        : LinkKind::inner));
        if (f.rate == rate) continue;  // its predicted finish still holds
        settle(f);
        f.rate = rate;
        predict(component_[i]);
    }
}

// A full trunk stands when nobody's share of it changed; one with room left, while it has room.
bool GeneralNetwork::do_trunks_stand() {
    for (const auto trunk : trunks_) links_[trunk.value].change = 0;
    for (std::size_t i = 0; i < component_.size(); ++i) {
        const auto& f = flows_[component_[i]];
        const auto change = demands_[i].rate - f.rate;
        if (change == 0) continue;
        for (const auto link : f.route.all()) {
            auto& l = links_[link.value];
            if (!l.is_trunk()) continue;
            if (l.level != kUnlimited) return false;
            l.change += change;
        }
    }
    return std::ranges::all_of(trunks_, [this](LinkId trunk) {
        const auto& l = links_[trunk.value];
        if (l.has_lost && l.level != kUnlimited) return false;
        return l.load + l.change <= l.capacity * kRounding;
    });
}

bool GeneralNetwork::solve_inside() {
    if (is_trunk_changed_) return false;
    ++round_;
    component_.clear();
    for (const auto start : touched_) {
        const auto& link = links_[start.value];
        if (link.is_trunk() || link.seen == round_) continue;
        const auto from = component_.size();
        gather(start, true);
        fill(from, true);
    }
    // New ones that cross nothing but trunks.
    const auto from = component_.size();
    for (const auto flow : opened_)
        if (flows_[flow].is_open && std::exchange(flows_[flow].seen, round_) != round_)
            component_.push_back(flow);
    fill(from, true);
    if (!do_trunks_stand()) return false;
    accept(true);
    for (const auto trunk : trunks_) {
        auto& l = links_[trunk.value];
        l.load += l.change;
        l.has_lost = false;
    }
    return true;
}

void GeneralNetwork::solve_through() {
    ++round_;
    component_.clear();
    for (const auto start : touched_) {
        if (links_[start.value].seen == round_) continue;
        const auto from = component_.size();
        gather(start, false);
        fill(from, false);
    }
    accept(false);
    level_trunks();
}

// Those met in this round: what crosses them, and what they leave to those they hold back.
void GeneralNetwork::level_trunks() {
    for (const auto trunk : trunks_) {
        auto& l = links_[trunk.value];
        if (l.seen != round_) continue;
        l.load = 0;
        l.level = kUnlimited;
        l.has_lost = false;
    }
    for (const auto flow : component_) {
        const auto& f = flows_[flow];
        for (const auto link : f.route.all())
            if (links_[link.value].is_trunk()) links_[link.value].load += f.rate;
        if (f.binding && links_[f.binding->value].is_trunk())
            links_[f.binding->value].level = f.rate;
    }
    is_trunk_changed_ = false;
}

void GeneralNetwork::solve_changes() {
    if (touched_.empty()) return;
    if (!solve_inside()) solve_through();
    touched_.clear();
    opened_.clear();
}

// --- time ---------------------------------------------------------------------------------------

double GeneralNetwork::first_finish() const {
    return finishes_.empty() ? kUnlimited : flows_[finishes_.top()].ends;
}

double GeneralNetwork::next_finish() {
    // Whoever is through at this very moment is, whatever else changes in it.
    if (first_finish() <= now_) return now_;
    solve_changes();
    return std::max(now_, first_finish());
}

FlowId GeneralNetwork::pop() {
    const auto at = next_finish();
    advance(at);
    const auto flow = finishes_.top();
    finishes_.erase(flow, sooner(), place());
    auto& f = flows_[flow];
    f.left = 0;
    f.settled = now_;
    return FlowId{flow};
}

void GeneralNetwork::advance(double to) {
    const auto dt = to - now_;
    if (dt <= 0) return;
    solve_changes();
    const auto of = [this](LinkKind kind) {
        return static_cast<double>(held_by_[static_cast<std::size_t>(kind)]);
    };
    usage_.bits += throughput() * dt;
    usage_.bound_by_origin += of(LinkKind::origin) * dt;
    usage_.bound_by_aggregation += of(LinkKind::aggregation) * dt;
    usage_.bound_by_site += of(LinkKind::site) * dt;
    usage_.bound_by_device += of(LinkKind::inner) * dt;
    now_ = to;
}

double GeneralNetwork::throughput() {
    solve_changes();
    double out = 0;
    for (const auto trunk : trunks_)
        if (links_[trunk.value].kind == LinkKind::origin) out += links_[trunk.value].load;
    return out;
}

double GeneralNetwork::rate(FlowId flow) {
    solve_changes();
    return flows_[flow.value].rate;
}

double GeneralNetwork::left(FlowId flow) {
    solve_changes();
    const auto& f = flows_[flow.value];
    return std::max(0.0, f.left - f.rate * (now_ - f.settled));
}

std::optional<LinkId> GeneralNetwork::binding(FlowId flow) {
    solve_changes();
    return flows_[flow.value].binding;
}

std::size_t GeneralNetwork::bytes() const {
    auto total = links_.capacity() * (sizeof(Link) + sizeof(double)) +
                 flows_.capacity() * sizeof(Flow) + finishes_.bytes();
    for (const auto& link : links_) total += link.flows.capacity() * sizeof(Index);
    return total;
}

}  // namespace sluice::sim::network
