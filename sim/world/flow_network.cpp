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

}  // namespace

LinkIndex FlowNetwork::add_link(double bytes_per_s) {
    capacity_.push_back(bytes_per_s);
    flows_of_.emplace_back();
    link_seen_.push_back(0);
    return LinkIndex{static_cast<std::uint32_t>(capacity_.size() - 1)};
}

void FlowNetwork::set_capacity(LinkIndex link, double bytes_per_s, Instant) {
    capacity_[link.value] = bytes_per_s;
    changed_.push_back(link);
}

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
    flow.path = path;
    flow.cap = cap_bytes_per_s;
    flow.rate = 0;
    flow.gone = 0;
    flow.is_open = true;
    flow.is_paused = false;
    return FlowId{id};
}

void FlowNetwork::push(FlowId id, std::uint32_t bytes, Instant now) {
    auto& flow = flows_[id.value];
    assert(flow.is_open && bytes > 0);
    flow.segments.push_back(bytes);
    if (flow.segments.size() > 1) return;
    flow.gone = 0;
    flow.settled = now;
    touch(id);
}

void FlowNetwork::set_paused(FlowId id, bool is_paused, Instant now) {
    auto& flow = flows_[id.value];
    if (flow.is_paused == is_paused) return;
    settle(flow, now);
    flow.is_paused = is_paused;
    touch(id);
}

void FlowNetwork::close(FlowId id, Instant now) {
    auto& flow = flows_[id.value];
    assert(flow.is_open);
    settle(flow, now);
    delist(id.value);
    flow.segments.clear();
    flow.is_open = false;
    flow.rate = 0;
    ++flow.stamp;
    free_.push_back(id.value);
}

Instant FlowNetwork::next_mark(Instant now) {
    solve_changes(now);
    while (!marks_.empty() && flows_[marks_.top().flow].stamp != marks_.top().stamp) marks_.pop();
    return marks_.empty() ? Instant::never() : marks_.top().at;
}

FlowId FlowNetwork::pop_mark(Instant now) {
    const auto mark = marks_.top();
    marks_.pop();
    auto& flow = flows_[mark.flow];
    assert(flow.stamp == mark.stamp && mark.at == now);
    settle(flow, now);
    // Instants are whole nanoseconds: what the rounding up added was never sent.
    moved_ += flow.segments.front() - flow.gone;
    flow.segments.pop_front();
    flow.gone = 0;
    ++flow.stamp;
    if (flow.segments.empty()) {
        touch(FlowId{mark.flow});
    } else {
        predict(mark.flow, now);
    }
    return FlowId{mark.flow};
}

double FlowNetwork::progress(FlowId id, Instant now) const {
    const auto& flow = flows_[id.value];
    if (flow.segments.empty()) return 0;
    const auto gone = flow.gone + flow.rate * seconds(now - flow.settled);
    return std::min<double>(gone, flow.segments.front());
}

double FlowNetwork::moved(Instant now) const {
    auto total = moved_;
    for (const auto& flow : flows_) {
        if (flow.rate > 0) total += flow.rate * seconds(now - flow.settled);
    }
    return total;
}

void FlowNetwork::settle(Flow& flow, Instant now) {
    const auto more = flow.rate * seconds(now - flow.settled);
    flow.gone += more;
    moved_ += more;
    flow.settled = now;
}

void FlowNetwork::touch(FlowId flow) {
    touched_.push_back(flow.value);
}

void FlowNetwork::enlist(std::uint32_t id) {
    auto& flow = flows_[id];
    if (flow.is_listed) return;
    flow.is_listed = true;
    for (const auto link : flow.path.all()) flows_of_[link.value].push_back(id);
    changed_.push_back(flow.path.links[0]);
}

void FlowNetwork::delist(std::uint32_t id) {
    auto& flow = flows_[id];
    if (!flow.is_listed) return;
    flow.is_listed = false;
    for (const auto link : flow.path.all()) {
        auto& list = flows_of_[link.value];
        std::erase(list, id);
        changed_.push_back(link);  // the component may fall apart: each part is solved
    }
}

void FlowNetwork::solve_changes(Instant now) {
    for (const auto id : touched_) {
        auto& flow = flows_[id];
        if (flow.wants_share()) {
            if (flow.is_listed) predict(id, now);  // goes on at its old share
            enlist(id);
        } else if (flow.is_listed) {
            settle(flow, now);
            delist(id);
            flow.rate = 0;
            ++flow.stamp;
        }
    }
    touched_.clear();
    if (changed_.empty()) return;
    ++round_;
    for (const auto link : changed_) {
        if (link_seen_[link.value] != round_) solve_component(link, now);
    }
    changed_.clear();
}

void FlowNetwork::solve_component(LinkIndex start, Instant now) {
    gather_component(start);
    if (component_.empty()) return;
    ++solves_;
    std::sort(component_.begin(), component_.end());
    demands_.clear();
    for (const auto id : component_) demands_.push_back({flows_[id].path, flows_[id].cap, 0, {}});
    solver_.solve(capacity_, demands_);
    for (std::size_t i = 0; i < component_.size(); ++i) {
        auto& flow = flows_[component_[i]];
        if (flow.rate == demands_[i].rate && flow.rate > 0) {
            continue;  // its predicted mark still holds
        }
        settle(flow, now);
        flow.rate = demands_[i].rate;
        predict(component_[i], now);
    }
}

// All flows that share a link, directly or through others.
void FlowNetwork::gather_component(LinkIndex start) {
    component_.clear();
    frontier_.assign(1, start);
    link_seen_[start.value] = round_;
    while (!frontier_.empty()) {
        const auto link = frontier_.back();
        frontier_.pop_back();
        for (const auto id : flows_of_[link.value]) {
            auto& flow = flows_[id];
            if (flow.seen == round_) continue;
            flow.seen = round_;
            component_.push_back(id);
            for (const auto next : flow.path.all()) {
                if (link_seen_[next.value] == round_) continue;
                link_seen_[next.value] = round_;
                frontier_.push_back(next);
            }
        }
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

}  // namespace sluice::sim::world
