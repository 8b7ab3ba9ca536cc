#pragma once
// The solver for everything that is no tree: flows along any links, a link twice where they cross
// it twice. Whatever changes is solved once per moment, and only in the connected component it
// touches. Links that all components share, the origin's and the aggregations', are trunks: as
// long as what a component draws through them stands, nothing beyond it can change, and nothing
// beyond it is looked at.

#include <array>
#include <vector>

#include "sim/network/indexed_heap.hpp"
#include "sim/network/progressive_filling.hpp"

namespace sluice::sim::network {

// What a link is to a flow from the origin, for the account of what held it back. The first two are
// trunks.
enum class LinkKind : std::uint8_t { origin, aggregation, site, inner };

class GeneralNetwork final : public FluidNetwork {
public:
    LinkId add_link(double bps, LinkKind kind = LinkKind::inner);

    Solver solver() const override { return Solver::progressive_filling; }
    double now() const override { return now_; }
    FlowId open(std::span<const LinkId> path, double cap_bps, double bits) override;
    void refill(FlowId flow, double bits) override;
    void close(FlowId flow) override;
    void set_capacity(LinkId link, double bps) override;
    double next_finish() override;
    FlowId pop() override;
    void advance(double to) override;
    double rate(FlowId flow) override;
    double left(FlowId flow) override;
    std::optional<LinkId> binding(FlowId flow) override;

    // Through the links of kind origin, at the moment and so far.
    double throughput();
    const Usage& usage() const { return usage_; }
    std::uint64_t solves() const { return solves_; }
    std::size_t bytes() const;

private:
    using Index = std::uint32_t;
    static constexpr std::uint8_t kNotFromOrigin = 0xff;
    struct Link {
        double capacity = 0;
        double load = 0;            // of a trunk: what crosses it
        double level = kUnlimited;  // of a trunk: the share of those it holds back
        double change = 0;          // of its load, in a solution that is being judged
        std::vector<Index> flows;   // a flow that crosses twice is there twice
        Index seen = 0;             // round of the component search that met it
        LinkKind kind = LinkKind::inner;
        bool has_lost = false;  // a trunk: a flow that had a share was closed

        bool is_trunk() const { return kind <= LinkKind::aggregation; }
    };
    struct Flow {
        Route route;
        double cap = 0;
        double rate = 0;
        double left = 0;  // at `settled`
        double settled = 0;
        std::optional<LinkId> binding;
        double ends = kUnlimited;              // predicted
        Index place = IndexedHeap::kNowhere;   // in finishes_
        Index seen = 0;                        // round of the component search that met it
        std::uint8_t holder = kNotFromOrigin;  // of those from the origin: LinkKind of its binding
        bool is_open = false;
    };
    void settle(Flow& flow) const;
    auto sooner() const;
    auto place();
    void predict(Index flow);
    double first_finish() const;
    void solve_changes();
    bool solve_inside();
    bool do_trunks_stand();
    void solve_through();
    void gather(LinkId start, bool stops_at_trunks);
    void fill(std::size_t from, bool is_inside);
    double trunk_level(const Flow& flow) const;
    void accept(bool is_inside);
    void level_trunks();
    void hold(Flow& flow, std::uint8_t holder);

    double now_ = 0;
    std::vector<Link> links_;
    std::vector<LinkId> trunks_;
    std::vector<double> capacity_;  // by link, as ProgressiveFilling wants it
    std::vector<Flow> flows_;
    std::vector<Index> free_;
    std::vector<LinkId> touched_;
    std::vector<Index> opened_;  // since the last solution
    IndexedHeap finishes_;

    ProgressiveFilling filling_;
    std::vector<Demand> demands_;
    std::vector<Index> component_;  // or several, one after the other
    std::vector<LinkId> frontier_;
    Index round_ = 0;
    std::uint64_t solves_ = 0;
    std::array<std::uint64_t, 4> held_by_{};  // flows from the origin, by LinkKind
    bool is_trunk_changed_ = false;           // a trunk's capacity
    Usage usage_;
};

}  // namespace sluice::sim::network
