#include "sim/network/general_network.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sluice::sim::network {

LinkId GeneralNetwork::add_link(double bps) {
    capacity_.push_back(bps);
    flows_of_.emplace_back();
    link_seen_.push_back(0);
    return LinkId{static_cast<Index>(capacity_.size() - 1)};
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
    const auto stamp = f.stamp + 1;
    f = Flow{};
    f.stamp = stamp;
    for (const auto link : path) {
        f.route.add(link);
        flows_of_[link.value].push_back(flow);
    }
    f.cap = cap_bps;
    f.left = bits;
    f.settled = now_;
    f.is_open = true;
    touch(f.route);
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
    ++f.stamp;
    for (const auto link : f.route.all()) std::erase(flows_of_[link.value], id.value);
    touch(f.route);
    free_.push_back(id.value);
}

void GeneralNetwork::set_capacity(LinkId link, double bps) {
    capacity_[link.value] = bps;
    touched_.push_back(link);
}

void GeneralNetwork::touch(const Route& route) {
    for (const auto link : route.all()) touched_.push_back(link);
}

void GeneralNetwork::settle(Flow& flow) const {
    flow.left = std::max(0.0, flow.left - flow.rate * (now_ - flow.settled));
    flow.settled = now_;
}

void GeneralNetwork::predict(Index flow) {
    auto& f = flows_[flow];
    ++f.stamp;
    if (f.rate > 0) finishes_.push({now_ + f.left / f.rate, flow, f.stamp});
}

void GeneralNetwork::gather_component(LinkId start) {
    component_.clear();
    frontier_.assign(1, start);
    link_seen_[start.value] = round_;
    while (!frontier_.empty()) {
        const auto link = frontier_.back();
        frontier_.pop_back();
        for (const auto flow : flows_of_[link.value]) {
            auto& f = flows_[flow];
            if (std::exchange(f.seen, round_) == round_) continue;
            component_.push_back(flow);
            for (const auto next : f.route.all())
                if (std::exchange(link_seen_[next.value], round_) != round_)
                    frontier_.push_back(next);
        }
    }
    std::sort(component_.begin(), component_.end());
}

void GeneralNetwork::solve_changes() {
    if (touched_.empty()) return;
    ++round_;
    for (const auto start : touched_) {
        if (link_seen_[start.value] == round_) continue;
        gather_component(start);
        demands_.clear();
        for (const auto flow : component_)
            demands_.push_back({flows_[flow].route, flows_[flow].cap, 0, {}});
        filling_.solve(capacity_, demands_);
        ++solves_;
        for (std::size_t i = 0; i < component_.size(); ++i) {
            auto& f = flows_[component_[i]];
            f.binding = demands_[i].binding;
            if (f.rate == demands_[i].rate) continue;  // its predicted finish still holds
            settle(f);
            f.rate = demands_[i].rate;
            predict(component_[i]);
        }
    }
    touched_.clear();
}

double GeneralNetwork::next_finish() {
    solve_changes();
    while (!finishes_.empty() && flows_[finishes_.top().flow].stamp != finishes_.top().stamp)
        finishes_.pop();
    return finishes_.empty() ? kUnlimited : std::max(now_, finishes_.top().at);
}

FlowId GeneralNetwork::pop() {
    now_ = next_finish();
    const auto flow = finishes_.top().flow;
    finishes_.pop();
    auto& f = flows_[flow];
    ++f.stamp;
    f.left = 0;
    f.settled = now_;
    return FlowId{flow};
}

void GeneralNetwork::advance(double to) {
    solve_changes();
    now_ = std::max(now_, to);
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

}  // namespace sluice::sim::network
