// Links, flows and their marks. Shares are flow_shares.cpp's.
#include "sim/world/flow_network.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace sluice::sim::world {
namespace {

constexpr double kNanosecondsPerSecond = 1e9;

double seconds(Duration d) {
    return static_cast<double>(d.count()) / kNanosecondsPerSecond;
}

// A share so small that the end is years away is no share.
constexpr double kHorizonSeconds = 1e8;

// The tree's time is in doubles: what its rounding leaves of a nanosecond is none.
constexpr double kRoundingNanoseconds = 1e-3;

// The tree knows no links of nothing; these end beyond the horizon all the same.
constexpr double kNothing = 1e-6;

}  // namespace

// --- links --------------------------------------------------------------------------------------

LinkIndex FlowNetwork::add_link(double bytes_per_s) {
    capacity_.push_back(bytes_per_s);
    links_.emplace_back();
    return LinkIndex{static_cast<std::uint32_t>(capacity_.size() - 1)};
}

LinkIndex FlowNetwork::add_origin(double bytes_per_s) {
    assert(!tree_);
    tree_.emplace(std::max(bytes_per_s, kNothing));
    const auto link = add_link(bytes_per_s);
    links_[link.value].in_tree = network::TreeNetwork::kOrigin;
    return link;
}

LinkIndex FlowNetwork::add_aggregation(double bytes_per_s) {
    const auto link = add_link(bytes_per_s);
    links_[link.value].in_tree = tree_->add_aggregation(std::max(bytes_per_s, kNothing));
    return link;
}

LinkIndex FlowNetwork::add_line(double bytes_per_s, LinkIndex parent) {
    const auto link = add_link(bytes_per_s);
    const auto above = *links_[parent.value].in_tree;
    links_[link.value].in_tree = tree_->add_site(std::max(bytes_per_s, kNothing), above);
    links_[link.value].depth = above == network::TreeNetwork::kOrigin ? 2 : 3;
    return link;
}

void FlowNetwork::set_capacity(LinkIndex link, double bytes_per_s, Instant now) {
    capacity_[link.value] = bytes_per_s;
    if (!tree_ || !links_[link.value].in_tree) return changed_.push_back(link);
    catch_up(now);
    tree_->set_capacity(*links_[link.value].in_tree, std::max(bytes_per_s, kNothing));
}

// --- flows --------------------------------------------------------------------------------------

FlowId FlowNetwork::open(const Path& path, double cap_bytes_per_s) {
    std::uint32_t id = 0;
    if (free_.empty()) {
        id = static_cast<std::uint32_t>(flows_.size());
        flows_.emplace_back();
    } else {
        id = free_.back();
        free_.pop_back();
    }
    auto& flow = flows_[id];
    flow.whole = path;
    flow.path = {};
    flow.line.reset();
    flow.cap = cap_bytes_per_s;
    flow.rate = flow.gone = 0;
    flow.is_open = true;
    flow.is_paused = flow.crosses_tree = false;
    std::uint32_t tree_links = 0, depth = 0;
    for (const auto link : path.all()) {
        const auto& known = links_[link.value];
        if (!tree_ || !known.in_tree) {
            flow.path.add(link);
            continue;
        }
        ++tree_links;
        flow.crosses_tree = true;
        if (known.depth == 0) continue;
        depth = known.depth;
        flow.line = known.in_tree;
    }
    if (tree_links != depth) flow.line.reset();
    return FlowId{id};
}

void FlowNetwork::push(FlowId id, std::uint32_t bytes, Instant now) {
    auto& flow = flows_[id.value];
    assert(flow.is_open && bytes > 0);
    flow.segments.push_back(bytes);
    if (flow.segments.size() > 1) return;
    flow.gone = 0;
    flow.settled = now;
    if (flow.has_place) tree_->refill(flow.in_tree, bytes);
    touch(id);
}

void FlowNetwork::set_paused(FlowId id, bool is_paused, Instant) {
    auto& flow = flows_[id.value];
    if (flow.is_paused == is_paused) return;
    flow.is_paused = is_paused;
    touch(id);
}

void FlowNetwork::close(FlowId id, Instant now) {
    auto& flow = flows_[id.value];
    assert(flow.is_open);
    moved_ += progress(id, now);
    delist(id.value, now);
    flow.segments.clear();
    flow.is_open = false;
    flow.rate = 0;
    ++flow.stamp;
    free_.push_back(id.value);
}

double FlowNetwork::progress(FlowId id, Instant now) const {
    const auto& flow = flows_[id.value];
    if (flow.segments.empty()) return 0;
    const double whole = flow.segments.front();
    if (!flow.has_place) {
        return std::min(whole, flow.gone + flow.rate * seconds(now - flow.settled));
    }
    const auto since = std::max(0.0, seconds(now.since_start) - tree_->now());
    const auto left = tree_->left(flow.in_tree) - tree_->rate(flow.in_tree) * since;
    return std::clamp(whole - left, 0.0, whole);
}

double FlowNetwork::rate(FlowId id) const {
    const auto& flow = flows_[id.value];
    return flow.has_place ? tree_->rate(flow.in_tree) : flow.rate;
}

double FlowNetwork::moved(Instant now) const {
    auto total = moved_;
    for (std::uint32_t id = 0; id < flows_.size(); ++id) total += progress(FlowId{id}, now);
    return total;
}

void FlowNetwork::settle(Flow& flow, Instant now) {
    flow.gone += flow.rate * seconds(now - flow.settled);
    flow.settled = now;
}

// --- marks --------------------------------------------------------------------------------------

Instant FlowNetwork::next_mark(Instant now) {
    solve_changes(now);
    return std::max(now, std::min(first_own_mark(), first_tree_mark()));
}

Instant FlowNetwork::first_own_mark() {
    while (!marks_.empty() && flows_[marks_.top().flow].stamp != marks_.top().stamp) marks_.pop();
    return marks_.empty() ? Instant::never() : marks_.top().at;
}

Instant FlowNetwork::first_tree_mark() const {
    if (!tree_) return Instant::never();
    const auto at = tree_->next_finish();
    if (!(at - tree_->now() < kHorizonSeconds)) return Instant::never();
    const auto ticks = std::ceil(at * kNanosecondsPerSecond - kRoundingNanoseconds);
    return Instant{Duration{static_cast<Duration::rep>(ticks)}};
}

FlowId FlowNetwork::pop_mark(Instant now) {
    std::uint32_t id = 0;
    if (first_own_mark() <= first_tree_mark()) {
        id = marks_.top().flow;
        marks_.pop();
    } else {
        id = of_place_[tree_->pop().value];
    }
    finish_segment(id, now);
    return FlowId{id};
}

void FlowNetwork::finish_segment(std::uint32_t id, Instant now) {
    auto& flow = flows_[id];
    // Instants are whole nanoseconds: what the rounding up added was never sent.
    moved_ += flow.segments.front();
    flow.segments.pop_front();
    flow.gone = 0;
    flow.settled = now;
    ++flow.stamp;
    if (flow.segments.empty()) {
        touch(FlowId{id});
    } else if (flow.has_place) {
        tree_->refill(flow.in_tree, flow.segments.front());
    } else {
        predict(id, now);
    }
}

void FlowNetwork::predict(std::uint32_t id, Instant now) {
    auto& flow = flows_[id];
    ++flow.stamp;
    settle(flow, now);
    const auto left = std::max(0.0, flow.segments.front() - flow.gone);
    if (flow.rate <= 0 || left / flow.rate > kHorizonSeconds) return;
    const auto wait = std::ceil(left / flow.rate * kNanosecondsPerSecond);
    marks_.push({now + Duration{static_cast<Duration::rep>(wait)}, id, flow.stamp});
}

// Moves the tree's time, but not beyond a mark that is due and was not taken yet.
void FlowNetwork::catch_up(Instant now) const {
    if (tree_) tree_->advance(std::min(seconds(now.since_start), tree_->next_finish()));
}

}  // namespace sluice::sim::world
