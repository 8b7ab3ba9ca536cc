// Who gets what of the links: the part of FlowNetwork that solves.
#include <algorithm>
#include <utility>

#include "sim/world/flow_network.hpp"

namespace sluice::sim::world {
namespace {

// A share of nothing, where the tree needs a cap above 0.
constexpr double kLeastShare = 1e-6;

constexpr double kNotSolved = -1;

}  // namespace

void FlowNetwork::enlist(std::uint32_t id, Instant now) {
    if (flows_[id].is_listed) return;
    if (flows_[id].crosses_tree && !flows_[id].line) give_up_tree(now);
    auto& flow = flows_[id];
    flow.is_listed = true;
    for (const auto link : flow.path.all()) links_[link.value].flows.push_back(id);
    if (flow.path.count == 0) {
        place(id, flow.cap);
    } else {
        changed_.push_back(flow.path.links[0]);
    }
}

void FlowNetwork::delist(std::uint32_t id, Instant now) {
    auto& flow = flows_[id];
    if (!flow.is_listed) return;
    catch_up(now);
    flow.gone = progress(FlowId{id}, now);
    flow.settled = now;
    flow.rate = 0;
    flow.is_listed = flow.has_company = false;
    if (flow.has_place) tree_->close(flow.in_tree);
    flow.has_place = false;
    for (const auto link : flow.path.all()) {
        std::erase(links_[link.value].flows, id);
        changed_.push_back(link);  // the component may fall apart: each part is solved
    }
}

void FlowNetwork::solve_changes(Instant now) {
    catch_up(now);
    for (const auto id : touched_) {
        auto& flow = flows_[id];
        if (flow.wants_share()) {
            // One that is listed goes on at its old share.
            if (flow.is_listed && !flow.has_place) predict(id, now);
            enlist(id, now);
        } else if (flow.is_listed) {
            delist(id, now);
            ++flow.stamp;
        }
    }
    touched_.clear();
    if (!changed_.empty()) {
        ++round_;
        for (std::size_t i = 0; i < changed_.size(); ++i) {  // giving up the tree adds some
            if (links_[changed_[i].value].seen == round_) continue;
            gather_component(changed_[i]);
            if (!component_.empty()) solve_component(now);
        }
        changed_.clear();
    }
    if (!accompanied_.empty()) solve_beside_tree(now);
}

// Flows in no tree get their rates, unless those depend on what the tree lets its own have.
void FlowNetwork::solve_component(Instant now) {
    const auto in_tree =
        std::ranges::count_if(component_, [this](auto id) { return flows_[id].crosses_tree; });
    if (in_tree > 0 && !is_of_one_line()) return give_up_tree(now);
    const bool is_mixed = in_tree > 0 && in_tree < std::ssize(component_);
    fill(false);
    for (std::size_t i = 0; i < component_.size(); ++i) {
        const auto id = component_[i];
        auto& flow = flows_[id];
        if (!flow.crosses_tree) {
            if (!is_mixed) take_rate(id, demands_[i].rate, now);
            continue;
        }
        place(id, demands_[i].rate);
        flow.has_company = is_mixed;
        flow.level = kNotSolved;
        if (is_mixed && !std::exchange(flow.is_watched, true)) accompanied_.push_back(id);
    }
}

// Components with flows of both kinds, where the tree's have another rate than before.
void FlowNetwork::solve_beside_tree(Instant now) {
    std::erase_if(accompanied_, [this](auto id) {
        auto& flow = flows_[id];
        flow.is_watched = flow.has_company;
        return !flow.has_company;
    });
    ++round_;
    work_ += accompanied_.size();
    for (const auto watched : accompanied_) {
        if (tree_->rate(flows_[watched].in_tree) == flows_[watched].level) continue;
        gather_component(flows_[watched].path.links[0]);
        fill(true);
        for (std::size_t i = 0; i < component_.size(); ++i) {
            auto& flow = flows_[component_[i]];
            if (flow.has_place)
                flow.level = tree_->rate(flow.in_tree);
            else
                take_rate(component_[i], demands_[i].rate, now);
        }
    }
}

void FlowNetwork::fill(bool is_beside_tree) {
    ++solves_;
    work_ += component_.size();
    std::ranges::sort(component_);
    demands_.clear();
    for (const auto id : component_) {
        const auto& flow = flows_[id];
        const auto cap = is_beside_tree && flow.has_place ? tree_->rate(flow.in_tree) : flow.cap;
        demands_.push_back({flow.path, cap, 0, {}});
    }
    solver_.solve(capacity_, demands_);
}

// All flows that share a link, directly or through others; the tree's links join nobody.
void FlowNetwork::gather_component(LinkIndex start) {
    component_.clear();
    frontier_.assign(1, start);
    links_[start.value].seen = round_;
    while (!frontier_.empty()) {
        const auto link = frontier_.back();
        frontier_.pop_back();
        for (const auto id : links_[link.value].flows) {
            auto& flow = flows_[id];
            if (flow.seen == round_) continue;
            flow.seen = round_;
            component_.push_back(id);
            for (const auto next : flow.path.all()) {
                if (links_[next.value].seen == round_) continue;
                links_[next.value].seen = round_;
                frontier_.push_back(next);
            }
        }
    }
}

bool FlowNetwork::is_of_one_line() const {
    std::optional<LinkIndex> line;
    return std::ranges::all_of(component_, [&](auto id) {
        const auto& flow = flows_[id];
        if (!flow.crosses_tree) return true;
        if (!line) line = flow.line;
        return line == flow.line;
    });
}

void FlowNetwork::give_up_tree(Instant now) {
    if (!tree_) return;
    for (std::uint32_t id = 0; id < flows_.size(); ++id) {
        auto& flow = flows_[id];
        if (!flow.crosses_tree) continue;
        const bool was_listed = flow.is_listed;
        delist(id, now);
        flow.crosses_tree = false;
        flow.line.reset();
        flow.path = flow.whole;
        if (was_listed) enlist(id, now);
    }
    tree_.reset();
    accompanied_.clear();
    ++round_;
}

void FlowNetwork::place(std::uint32_t id, double share) {
    auto& flow = flows_[id];
    share = std::max(share, kLeastShare);
    if (!flow.has_place) {
        flow.in_tree = tree_->open(*flow.line, share, flow.segments.front() - flow.gone);
        flow.has_place = true;
        if (of_place_.size() <= flow.in_tree.value) of_place_.resize(flow.in_tree.value + 1);
        of_place_[flow.in_tree.value] = id;
    } else if (flow.rate != share) {
        tree_->set_cap(flow.in_tree, share);
    }
    flow.rate = share;
}

void FlowNetwork::take_rate(std::uint32_t id, double rate, Instant now) {
    auto& flow = flows_[id];
    if (flow.rate == rate && rate > 0) return;  // its predicted mark still holds
    settle(flow, now);
    flow.rate = rate;
    predict(id, now);
}

}  // namespace sluice::sim::world
