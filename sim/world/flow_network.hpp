#pragma once
// Bytes in motion: flows over shared links, each a queue of segments sent one after the other. The
// end of a segment is a *mark*, the only event here; between marks rates are constant. Rates are
// exact max-min shares.
//
// What comes from the origin crosses a tree of links that the whole fleet shares (origin >
// aggregation > line) and then links of a site (ports, the air), where it meets what the site's
// devices send each other. All flows from the origin that meet in one site's links cross the same
// line, so the tree holds each of them to one and the same level m; and filling a site's links up
// to m goes the same way whatever m is. Therefore such a flow gets min(c, m), where c is its share
// of the site's links alone: c is solved for the connected component that changed, m is
// TreeNetwork's, with each c as a cap. A change at the origin touches nobody it does not hold back
// in another way than before. What a site's own flows get beside them follows from min(c, m).
//
// Changes at one instant are gathered: a flow that ends a segment and is given the next one before
// next_mark() is asked keeps its share without any solving.

#include <cstdint>
#include <deque>
#include <optional>
#include <queue>
#include <vector>

#include "engine/base/time.hpp"
#include "sim/network/progressive_filling.hpp"
#include "sim/network/tree_network.hpp"

namespace sluice::sim::world {

using LinkIndex = network::LinkId;
using Path = network::Route;
using FlowId = Strong<struct FlowIdTag, std::uint32_t>;

class FlowNetwork {
public:
    LinkIndex add_link(double bytes_per_s);
    // The tree: one origin, before the others; aggregations below it, lines below either. Where a
    // path crosses the tree in another way than down to one line, or neighbours on different lines
    // meet, the tree is given up for good: all links are solved alike, exact as ever and slow.
    LinkIndex add_origin(double bytes_per_s);
    LinkIndex add_aggregation(double bytes_per_s);
    LinkIndex add_line(double bytes_per_s, LinkIndex parent);
    void set_capacity(LinkIndex link, double bytes_per_s, Instant now);
    double capacity(LinkIndex link) const { return capacity_[link.value]; }

    // A flow with nothing to send takes no share.
    FlowId open(const Path& path, double cap_bytes_per_s);
    void push(FlowId flow, std::uint32_t bytes, Instant now);
    // Keeps its segments and its place in the current one.
    void set_paused(FlowId flow, bool is_paused, Instant now);
    // The id may be given to another flow from now on.
    void close(FlowId flow, Instant now);

    // When the next segment ends; solves what changed.
    Instant next_mark(Instant now);
    // The flow whose segment ends at next_mark(). Of several, in the same order in every run.
    FlowId pop_mark(Instant now);

    // Bytes of the current segment that have gone, and the share at the moment.
    double progress(FlowId flow, Instant now) const;
    double rate(FlowId flow) const;
    // All bytes ever moved: for the conservation oracle.
    double moved(Instant now) const;
    // Components solved, and what that cost in all: flows in them and classes that crossed a level.
    std::uint64_t solves() const { return solves_; }
    std::uint64_t work() const { return work_ + (tree_ ? tree_->crossings() : 0); }

private:
    struct Flow {
        Path whole;
        Path path;                      // without the links that the tree sees to
        std::optional<LinkIndex> line;  // in the tree, of those that cross it as they should
        double cap = 0;
        double rate = 0;  // its share of the path alone, where the tree sees to the rest
        double gone = 0;  // of the front segment, at `settled`
        Instant settled{};
        std::deque<std::uint32_t> segments;
        network::FlowId in_tree;  // while has_place
        double level = 0;         // the rate that its neighbours were solved beside
        std::uint32_t stamp = 0;  // raised whenever a predicted mark becomes void
        std::uint32_t seen = 0;   // round of the component search that met it
        bool is_open = false;
        bool is_paused = false;
        bool is_listed = false;  // on its links' lists
        bool crosses_tree = false;
        bool has_place = false;    // in the tree
        bool has_company = false;  // in the tree, and neighbours are not
        bool is_watched = false;   // in accompanied_

        bool wants_share() const { return is_open && !is_paused && !segments.empty(); }
    };
    struct Link {
        std::optional<LinkIndex> in_tree;
        std::uint32_t depth = 0;  // of a line: links from it to the origin, itself among them
        std::uint32_t seen = 0;
        std::vector<std::uint32_t> flows;  // in no order that matters
    };
    struct Mark {
        Instant at;
        std::uint32_t flow;
        std::uint32_t stamp;
        friend bool operator>(const Mark& a, const Mark& b) {
            return a.at != b.at ? a.at > b.at : a.flow > b.flow;
        }
    };

    void settle(Flow& flow, Instant now);
    void finish_segment(std::uint32_t flow, Instant now);
    void touch(FlowId flow) { touched_.push_back(flow.value); }
    void enlist(std::uint32_t flow, Instant now);
    void delist(std::uint32_t flow, Instant now);
    Instant first_own_mark();
    Instant first_tree_mark() const;

    void catch_up(Instant now) const;
    void solve_changes(Instant now);
    void solve_component(Instant now);
    void solve_beside_tree(Instant now);
    void gather_component(LinkIndex start);
    void fill(bool is_beside_tree);
    bool is_of_one_line() const;
    void give_up_tree(Instant now);
    void place(std::uint32_t flow, double share);
    void take_rate(std::uint32_t flow, double rate, Instant now);
    void predict(std::uint32_t flow, Instant now);

    std::vector<double> capacity_;
    std::vector<Link> links_;
    std::vector<Flow> flows_;
    std::vector<std::uint32_t> free_;
    std::vector<std::uint32_t> touched_;
    std::vector<LinkIndex> changed_;
    std::priority_queue<Mark, std::vector<Mark>, std::greater<>> marks_;

    // Solves when it is asked, so that asking changes it; seconds and bytes are its units here.
    mutable std::optional<network::TreeNetwork> tree_;
    std::vector<std::uint32_t> of_place_;     // by the tree's flow
    std::vector<std::uint32_t> accompanied_;  // flows that have company, or had

    network::ProgressiveFilling solver_;
    std::vector<network::Demand> demands_;
    std::vector<std::uint32_t> component_;
    std::vector<LinkIndex> frontier_;
    std::uint32_t round_ = 0;
    std::uint64_t solves_ = 0;
    std::uint64_t work_ = 0;
    double moved_ = 0;
};

}  // namespace sluice::sim::world
