#include "sim/network/tree_network.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sluice::sim::network {

// --- orders of the heaps ------------------------------------------------------------------------

auto TreeNetwork::greater_value() const {
    return [this](Index a, Index b) {
        return entries_[a].value != entries_[b].value ? entries_[a].value > entries_[b].value
                                                      : a < b;
    };
}
auto TreeNetwork::less_value() const {
    return [this](Index a, Index b) {
        return entries_[a].value != entries_[b].value ? entries_[a].value < entries_[b].value
                                                      : a < b;
    };
}
auto TreeNetwork::level_place(std::size_t depth) {
    return [this, depth](Index a) -> Index& { return entries_[a].level_place[depth]; };
}
auto TreeNetwork::earlier() const {
    return [this](Index a, Index b) {
        return entries_[a].key != entries_[b].key ? entries_[a].key < entries_[b].key : a < b;
    };
}
auto TreeNetwork::event_place() {
    return [this](Index a) -> Index& { return entries_[a].event_place; };
}

// --- the tree ---------------------------------------------------------------------------------

TreeNetwork::TreeNetwork(double origin_bps) {
    links_.push_back({false, 0});
    nodes_.emplace_back();
    nodes_[0].link = kOrigin;
    nodes_[0].capacity = origin_bps;
}

LinkId TreeNetwork::add_aggregation(double bps) {
    const LinkId link{static_cast<Index>(links_.size())};
    links_.push_back({false, static_cast<Index>(nodes_.size())});
    Node node;
    node.link = link;
    node.capacity = bps;
    node.group = static_cast<Index>(entries_.size());
    Entry group;
    group.kind = Kind::aggregation;
    group.node = static_cast<Index>(nodes_.size());
    entries_.push_back(std::move(group));
    nodes_.push_back(std::move(node));
    return link;
}

LinkId TreeNetwork::add_site(double bps, LinkId parent) {
    assert(!links_[parent.value].is_site);
    const LinkId link{static_cast<Index>(links_.size())};
    links_.push_back({true, static_cast<Index>(sites_.size())});
    sites_.push_back({bps, links_[parent.value].index});
    return link;
}

void TreeNetwork::set_capacity(LinkId link, double bps) {
    const auto [is_site, index] = links_[link.value];
    if (is_site) {
        sites_[index].capacity = bps;
        mark_site(index);
    } else {
        nodes_[index].capacity = bps;
        mark(index);
    }
}

// --- clocks -------------------------------------------------------------------------------------

double TreeNetwork::position(Index timeline) const {
    if (timeline == kOwnClock) return now_;
    return timeline == 0 ? origin_clock_ : progress(nodes_[timeline].group);
}

double TreeNetwork::progress(Index entry) const {
    const auto& e = entries_[entry];
    if (e.timeline == kNone) return e.clock;
    return e.clock + speed(e) * (position(e.timeline) - e.anchor);
}

IndexedHeap& TreeNetwork::events_of(Index timeline) {
    return timeline == kOwnClock ? own_events_ : nodes_[timeline].events;
}

void TreeNetwork::set_timeline(Index entry, Index timeline) {
    auto& e = entries_[entry];
    if (e.timeline == timeline) return;
    e.clock = progress(entry);
    const auto kind = static_cast<std::size_t>(e.kind);
    if (e.timeline == kOwnClock) held_by_[kind] -= e.count;
    const auto old = std::exchange(e.timeline, timeline);
    if (e.event_place != kNone) events_of(old).erase(entry, earlier(), event_place());
    if (old != kNone && old != kOwnClock && old != 0) rekey(nodes_[old].group);
    if (timeline == kOwnClock) held_by_[kind] += e.count;
    if (timeline == kNone) return;
    e.anchor = position(timeline);
    rekey(entry);
}

double TreeNetwork::first_tag(const Entry& e) const {
    if (e.node == kNone) return e.tags.empty() ? kUnlimited : flows_[e.tags.front()].tag;
    const auto& events = nodes_[e.node].events;
    return events.empty() ? kUnlimited : entries_[events.top()].key;
}

void TreeNetwork::rekey(Index entry) {
    auto& e = entries_[entry];
    if (e.timeline == kNone) return;
    e.key = e.anchor + (first_tag(e) - e.clock) / speed(e);
    auto& events = events_of(e.timeline);
    if (e.event_place == kNone)
        events.insert(entry, earlier(), event_place());
    else
        events.update(entry, earlier(), event_place());
    if (e.timeline != kOwnClock && e.timeline != 0) rekey(nodes_[e.timeline].group);
}

// --- levels -------------------------------------------------------------------------------------

void TreeNetwork::mark(Index node) {
    if (nodes_[node].is_dirty) return;
    nodes_[node].is_dirty = true;
    dirty_nodes_.push_back(node);
}

void TreeNetwork::enlist(Index node, Index entry) {
    auto& e = entries_[entry];
    auto& n = nodes_[node];
    const auto depth = depth_of(node);
    e.is_listed[depth] = true;
    e.is_fair[depth] = n.fair_count > 0 ? e.value > n.level : e.value == kUnlimited;
    if (e.is_fair[depth]) {
        n.fair_count += e.count;
        n.fair.insert(entry, less_value(), level_place(depth));
    } else {
        n.below_sum.add(e.count * e.value);
        n.below.insert(entry, greater_value(), level_place(depth));
    }
    mark(node);
}

void TreeNetwork::delist(Index node, Index entry) {
    auto& e = entries_[entry];
    auto& n = nodes_[node];
    const auto depth = depth_of(node);
    if (!std::exchange(e.is_listed[depth], false)) return;
    if (e.is_fair[depth]) {
        n.fair_count -= e.count;
        n.fair.erase(entry, less_value(), level_place(depth));
    } else {
        n.below.erase(entry, greater_value(), level_place(depth));
        if (n.below.empty())
            n.below_sum.clear();
        else
            n.below_sum.add(-(e.count * e.value));
    }
    mark(node);
}

// From one side of the level to the other.
void TreeNetwork::cross(Index node, Index entry) {
    auto& e = entries_[entry];
    auto& n = nodes_[node];
    const auto depth = depth_of(node);
    const bool is_fair = !e.is_fair[depth];
    delist(node, entry);
    e.is_listed[depth] = true;
    e.is_fair[depth] = is_fair;
    if (is_fair) {
        n.fair_count += e.count;
        n.fair.insert(entry, less_value(), level_place(depth));
    } else {
        n.below_sum.add(e.count * e.value);
        n.below.insert(entry, greater_value(), level_place(depth));
    }
    ++crossings_;
    if (node != 0) {
        if (is_fair)
            delist(0, entry);
        else
            enlist(0, entry);
    }
    reseat(entry);
}

// Puts the entry's clock onto the timeline of what holds it back now.
void TreeNetwork::reseat(Index entry) {
    const auto& e = entries_[entry];
    if (e.is_fair[depth_of(e.home)])
        set_timeline(entry, e.home);
    else
        set_timeline(entry, e.home != 0 && e.is_fair[0] ? 0 : kOwnClock);
}

void TreeNetwork::change_count(Index entry, int by) {
    auto& e = entries_[entry];
    e.count += by;
    if (e.timeline == kOwnClock) held_by_[static_cast<std::size_t>(e.kind)] += by;
    for (const auto node : {e.home, Index{0}}) {
        const auto depth = depth_of(node);
        if (!e.is_listed[depth]) break;
        if (e.is_fair[depth])
            nodes_[node].fair_count += by;
        else
            nodes_[node].below_sum.add(by * e.value);
        mark(node);
        if (node == 0) break;
    }
}

void TreeNetwork::balance(Index node) {
    auto& n = nodes_[node];
    const auto level = [&n] {
        const auto left = std::max(0.0, n.capacity - n.below_sum.value());
        return left / static_cast<double>(n.fair_count);
    };
    const auto is_too_high = [&] {
        if (n.below.empty()) return false;
        return n.fair_count == 0 ? n.below_sum.value() > n.capacity
                                 : level() < entries_[n.below.top()].value;
    };
    while (is_too_high()) cross(node, n.below.top());
    while (!n.fair.empty() && level() >= entries_[n.fair.top()].value) cross(node, n.fair.top());
    n.level = n.fair_count == 0 ? kUnlimited : level();
    n.is_dirty = false;
}

// What an aggregation holds back stands at the origin as one entry of its level.
void TreeNetwork::balance_group(Index node) {
    auto& n = nodes_[node];
    auto& group = entries_[n.group];
    const auto count = static_cast<Index>(n.fair_count);
    if (group.is_listed[0] && group.count == count && group.value == n.level) return;
    set_timeline(n.group, kNone);
    delist(0, n.group);
    group.count = count;
    if (count == 0) {
        group.clock = 0;
        return;
    }
    group.value = n.level;
    enlist(0, n.group);
    reseat(n.group);
}

void TreeNetwork::settle() {
    if (dirty_sites_.empty() && dirty_nodes_.empty()) return;
    for (std::size_t i = 0; i < dirty_sites_.size(); ++i) settle_site(dirty_sites_[i]);
    dirty_sites_.clear();
    // The origin last: what its aggregations let through stands then.
    for (std::size_t i = 0; i < dirty_nodes_.size(); ++i) {
        const auto node = dirty_nodes_[i];
        if (node == 0) continue;
        balance(node);
        balance_group(node);
    }
    balance(0);
    dirty_nodes_.clear();
}

// --- sites --------------------------------------------------------------------------------------

void TreeNetwork::mark_site(Index site) {
    if (sites_[site].is_dirty) return;
    sites_[site].is_dirty = true;
    dirty_sites_.push_back(site);
}

// The site's own water level, from scratch: a home has few flows at a time.
void TreeNetwork::settle_site(Index site) {
    auto& s = sites_[site];
    s.is_dirty = false;
    scratch_.clear();
    for (auto f = s.first; scratch_.size() < s.count; f = flows_[f].next) scratch_.push_back(f);
    std::sort(scratch_.begin(), scratch_.end(), [this](Index a, Index b) {
        return flows_[a].cap != flows_[b].cap ? flows_[a].cap < flows_[b].cap : a < b;
    });
    auto left = s.capacity;
    for (std::size_t i = 0; i < scratch_.size(); ++i) {
        const auto share = left / static_cast<double>(scratch_.size() - i);
        const auto cap = flows_[scratch_[i]].cap;
        if (cap > share) {
            for (; i < scratch_.size(); ++i) assign(scratch_[i], share, Kind::site);
            return;
        }
        assign(scratch_[i], cap, Kind::device);
        left = std::max(0.0, left - cap);
    }
}

}  // namespace sluice::sim::network
