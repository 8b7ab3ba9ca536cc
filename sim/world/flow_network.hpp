#pragma once
// Bytes in motion: flows over shared links, each a queue of segments sent one after the other. The
// end of a segment is a *mark*, the only event here; between marks rates are constant. Rates are
// exact max-min shares, solved anew for the connected component that changed and nothing else.
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

namespace sluice::sim::world {

using LinkIndex = network::LinkId;
using Path = network::Route;
using FlowId = Strong<struct FlowIdTag, std::uint32_t>;

class FlowNetwork {
public:
    LinkIndex add_link(double bytes_per_s);
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
    // The flow whose segment ends at next_mark(). Lowest id first among equals.
    FlowId pop_mark(Instant now);

    // Bytes of the current segment that have gone, and the share at the moment.
    double progress(FlowId flow, Instant now) const;
    double rate(FlowId flow) const { return flows_[flow.value].rate; }
    // All bytes ever moved, settled or not: for the conservation oracle.
    double moved(Instant now) const;
    std::uint64_t solves() const { return solves_; }

private:
    struct Flow {
        Path path;
        double cap = 0;
        double rate = 0;
        double gone = 0;  // of the front segment, at `settled`
        Instant settled{};
        std::deque<std::uint32_t> segments;
        std::uint32_t stamp = 0;  // raised whenever a predicted mark becomes void
        std::uint32_t seen = 0;   // round of the component search that met it
        bool is_open = false;
        bool is_paused = false;
        bool is_listed = false;  // on its links' lists

        bool wants_share() const { return is_open && !is_paused && !segments.empty(); }
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
    void touch(FlowId flow);
    void enlist(std::uint32_t flow);
    void delist(std::uint32_t flow);
    void solve_changes(Instant now);
    void solve_component(LinkIndex start, Instant now);
    void gather_component(LinkIndex start);
    void predict(std::uint32_t flow, Instant now);

    std::vector<double> capacity_;
    std::vector<std::vector<std::uint32_t>> flows_of_;  // by link, in no order that matters
    std::vector<std::uint32_t> link_seen_;
    std::vector<Flow> flows_;
    std::vector<std::uint32_t> free_;
    std::vector<std::uint32_t> touched_;
    std::vector<LinkIndex> changed_;
    std::priority_queue<Mark, std::vector<Mark>, std::greater<>> marks_;

    network::ProgressiveFilling solver_;
    std::vector<network::Demand> demands_;
    std::vector<std::uint32_t> component_;
    std::vector<LinkIndex> frontier_;
    std::uint32_t round_ = 0;
    std::uint64_t solves_ = 0;
    double moved_ = 0;
};

}  // namespace sluice::sim::world
