// What TreeNetwork keeps of flows: classes of equal cap with their tags, and the way of one flow
// through them. Levels and sites, which decide the classes' shares, are tree_network.cpp's.
#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

#include "engine/base/rng.hpp"
#include "sim/network/tree_network.hpp"

namespace sluice::sim::network {
namespace {

std::uint32_t hash_of(std::uint32_t node, double value, std::uint8_t kind) {
    return static_cast<std::uint32_t>(
        mix64(std::bit_cast<std::uint64_t>(value) ^ (std::uint64_t{node} << 2 | kind)));
}

// By a quarter, not by doubling: a fleet's memory goes by these columns.
template <class T>
void make_room(std::vector<T>& column) {
    if (column.size() == column.capacity()) column.reserve(column.size() * 5 / 4 + 16);
}

}  // namespace

// --- classes and their tags ---------------------------------------------------------------------

TreeNetwork::Index TreeNetwork::class_of(Index node, double value, Kind kind) {
    const auto hash = hash_of(node, value, static_cast<std::uint8_t>(kind));
    const auto found = classes_.find(hash, [&](Index i) {
        const auto& e = entries_[i];
        return e.value == value && e.home == node && e.kind == kind;
    });
    if (found != inventory::IndexTable::kNone) return found;
    Index entry;
    if (free_entries_.empty()) {
        entry = static_cast<Index>(entries_.size());
        entries_.emplace_back();
    } else {
        entry = free_entries_.back();
        free_entries_.pop_back();
        auto tags = std::move(entries_[entry].tags);
        entries_[entry] = Entry{};
        entries_[entry].tags = std::move(tags);
    }
    auto& e = entries_[entry];
    e.value = value;
    e.home = node;
    e.kind = kind;
    classes_.insert(entry, hash);
    enlist(node, entry);
    if (node != 0 && !e.is_fair[1]) enlist(0, entry);
    reseat(entry);
    return entry;
}

void TreeNetwork::discard_class(Index entry) {
    auto& e = entries_[entry];
    set_timeline(entry, kNone);
    if (e.home != 0) delist(0, entry);
    delist(e.home, entry);
    classes_.erase(entry, hash_of(e.home, e.value, static_cast<std::uint8_t>(e.kind)));
    free_entries_.push_back(entry);
}

void TreeNetwork::place_tag(Entry& e, std::size_t at, Index flow) {
    e.tags[at] = flow;
    flows_[flow].place = static_cast<Index>(at);
}

void TreeNetwork::sift(Entry& e, std::size_t at) {
    const auto flow = e.tags[at];
    for (; at > 0 && is_sooner(flow, e.tags[(at - 1) / 2]); at = (at - 1) / 2)
        place_tag(e, at, e.tags[(at - 1) / 2]);
    for (;;) {
        auto child = 2 * at + 1;
        if (child >= e.tags.size()) break;
        if (child + 1 < e.tags.size() && is_sooner(e.tags[child + 1], e.tags[child])) ++child;
        if (!is_sooner(e.tags[child], flow)) break;
        place_tag(e, at, e.tags[child]);
        at = child;
    }
    place_tag(e, at, flow);
}

void TreeNetwork::insert_tag(Entry& e, Index flow) {
    make_room(e.tags);
    e.tags.push_back(flow);
    sift(e, e.tags.size() - 1);
}

void TreeNetwork::erase_tag(Entry& e, std::size_t at) {
    const auto last = e.tags.back();
    e.tags.pop_back();
    if (at == e.tags.size()) return;
    e.tags[at] = last;
    sift(e, at);
}

void TreeNetwork::assign(Index flow, double value, Kind kind) {
    auto& f = flows_[flow];
    const auto node = sites_[f.site].node;
    if (f.entry != kNone) {
        const auto& old = entries_[f.entry];
        if (old.value == value && old.kind == kind) return;
        unassign(flow);
    }
    const auto entry = class_of(node, value, kind);
    auto& e = entries_[entry];
    f.entry = entry;
    f.tag += progress(entry);
    change_count(entry, 1);
    insert_tag(e, flow);
    if (f.place == 0) rekey(entry);
}

void TreeNetwork::unassign(Index flow) {
    auto& f = flows_[flow];
    if (f.entry == kNone) return;
    const auto entry = std::exchange(f.entry, kNone);
    auto& e = entries_[entry];
    const bool was_first = f.place == 0;
    erase_tag(e, f.place);
    f.tag = std::max(0.0, f.tag - progress(entry));
    change_count(entry, -1);
    if (e.count == 0)
        discard_class(entry);
    else if (was_first)
        rekey(entry);
}

// --- flows --------------------------------------------------------------------------------------

FlowId TreeNetwork::open(LinkId link, double cap_bps, double bits) {
    assert(links_[link.value].is_site && cap_bps > 0 && bits >= 0);
    Index flow;
    if (first_free_ == kNone) {
        flow = static_cast<Index>(flows_.size());
        make_room(flows_);
        flows_.emplace_back();
    } else {
        flow = first_free_;
        first_free_ = flows_[flow].next;
    }
    auto& f = flows_[flow];
    f = Flow{};
    f.cap = cap_bps;
    f.tag = bits;
    f.site = links_[link.value].index;
    auto& s = sites_[f.site];
    if (s.count == 0) {
        f.next = s.first = flow;
    } else {
        f.next = std::exchange(flows_[s.first].next, flow);
    }
    ++s.count;
    ++flow_count_;
    mark_site(f.site);
    return FlowId{flow};
}

void TreeNetwork::close(FlowId id) {
    const auto flow = id.value;
    unassign(flow);
    auto& f = flows_[flow];
    auto& s = sites_[f.site];
    auto before = s.first;
    while (flows_[before].next != flow) before = flows_[before].next;
    flows_[before].next = f.next;
    if (s.first == flow) s.first = f.next;
    if (--s.count > 0) mark_site(f.site);
    f.site = kNone;
    --flow_count_;
    f.next = std::exchange(first_free_, flow);
}

void TreeNetwork::refill(FlowId id, double bits) {
    auto& f = flows_[id.value];
    f.tag += bits;
    if (f.entry == kNone) return;
    auto& e = entries_[f.entry];
    const bool was_first = f.place == 0;
    sift(e, f.place);
    if (was_first || f.place == 0) rekey(f.entry);
}

void TreeNetwork::set_cap(FlowId flow, double bps) {
    assert(bps > 0);
    flows_[flow.value].cap = bps;
    mark_site(flows_[flow.value].site);
}

double TreeNetwork::next_finish() {
    settle();
    auto at = own_events_.empty() ? kUnlimited : entries_[own_events_.top()].key;
    const auto& origin = nodes_[0];
    if (!origin.events.empty()) {
        const auto ahead = entries_[origin.events.top()].key - origin_clock_;
        at = std::min(at, now_ + ahead / origin.level);
    }
    return std::max(at, now_);
}

FlowId TreeNetwork::pop() {
    const auto at = next_finish();
    advance(at);
    const bool is_own = !own_events_.empty() && entries_[own_events_.top()].key <= at;
    auto entry = is_own ? own_events_.top() : nodes_[0].events.top();
    // Exactly there: rounding must not leave a rest that never arrives.
    if (!is_own) origin_clock_ = std::max(origin_clock_, entries_[entry].key);
    while (entries_[entry].node != kNone) entry = nodes_[entries_[entry].node].events.top();
    return FlowId{entries_[entry].tags.front()};
}

void TreeNetwork::advance(double to) {
    settle();
    const auto dt = to - now_;
    if (dt <= 0) return;
    const auto& origin = nodes_[0];
    usage_.bits += throughput() * dt;
    usage_.bound_by_origin += static_cast<double>(origin.fair_count) * dt;
    usage_.bound_by_device += static_cast<double>(held_by_[0]) * dt;
    usage_.bound_by_site += static_cast<double>(held_by_[1]) * dt;
    usage_.bound_by_aggregation += static_cast<double>(held_by_[2]) * dt;
    if (origin.fair_count > 0)
        origin_clock_ += origin.level * dt;
    else if (origin.events.empty())
        origin_clock_ = 0;
    now_ = to;
}

double TreeNetwork::throughput() {
    settle();
    const auto& origin = nodes_[0];
    return origin.fair_count > 0 ? origin.capacity : origin.below_sum.value();
}

double TreeNetwork::rate(FlowId flow) {
    settle();
    auto entry = flows_[flow.value].entry;
    while (entries_[entry].timeline != kOwnClock) {
        const auto timeline = entries_[entry].timeline;
        if (timeline == 0) return nodes_[0].level;
        entry = nodes_[timeline].group;
    }
    return entries_[entry].value;
}

double TreeNetwork::left(FlowId flow) {
    settle();
    const auto& f = flows_[flow.value];
    return std::max(0.0, f.tag - progress(f.entry));
}

std::optional<LinkId> TreeNetwork::binding(FlowId flow) {
    settle();
    const auto& f = flows_[flow.value];
    auto entry = f.entry;
    while (entries_[entry].timeline != kOwnClock) {
        const auto timeline = entries_[entry].timeline;
        if (timeline == 0) return kOrigin;
        entry = nodes_[timeline].group;
    }
    const auto& e = entries_[entry];
    if (e.kind == Kind::device) return std::nullopt;
    if (e.kind == Kind::aggregation) return nodes_[e.node].link;
    const auto at = std::find_if(links_.begin(), links_.end(), [&](const Link& link) {
        return link.is_site && link.index == f.site;
    });
    return LinkId{static_cast<Index>(at - links_.begin())};
}

std::size_t TreeNetwork::bytes() const {
    auto total = flows_.capacity() * sizeof(Flow) + entries_.capacity() * sizeof(Entry) +
                 sites_.capacity() * sizeof(Site) + links_.capacity() * sizeof(Link) +
                 classes_.bytes() + own_events_.bytes();
    for (const auto& e : entries_) total += e.tags.capacity() * sizeof(Index);
    for (const auto& n : nodes_)
        total += n.below.bytes() + n.fair.bytes() + n.events.bytes() + sizeof(Node);
    return total;
}

}  // namespace sluice::sim::network
