#pragma once
// The solver for everything that is no tree: flows along any links. Whatever changes is solved once
// per moment, and only in the connected component it touches.

#include <functional>
#include <queue>
#include <vector>

#include "sim/network/progressive_filling.hpp"

namespace sluice::sim::network {

class GeneralNetwork final : public FluidNetwork {
public:
    LinkId add_link(double bps);

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

    std::uint64_t solves() const { return solves_; }

private:
    using Index = std::uint32_t;
    struct Flow {
        Route route;
        double cap = 0;
        double rate = 0;
        double left = 0;  // at `settled`
        double settled = 0;
        std::optional<LinkId> binding;
        Index stamp = 0;  // raised whenever a predicted finish becomes void
        Index seen = 0;   // round of the component search that met it
        bool is_open = false;
    };
    struct Finish {
        double at;
        Index flow;
        Index stamp;
        friend bool operator>(const Finish& a, const Finish& b) {
            return a.at != b.at ? a.at > b.at : a.flow > b.flow;
        }
    };
    void touch(const Route& route);
    void settle(Flow& flow) const;
    void predict(Index flow);
    void solve_changes();
    void gather_component(LinkId start);

    double now_ = 0;
    std::vector<double> capacity_;
    std::vector<std::vector<Index>> flows_of_;  // by link
    std::vector<Index> link_seen_;
    std::vector<Flow> flows_;
    std::vector<Index> free_;
    std::vector<LinkId> touched_;
    std::priority_queue<Finish, std::vector<Finish>, std::greater<>> finishes_;

    ProgressiveFilling filling_;
    std::vector<Demand> demands_;
    std::vector<Index> component_;
    std::vector<LinkId> frontier_;
    Index round_ = 0;
    std::uint64_t solves_ = 0;
};

}  // namespace sluice::sim::network
