#pragma once
// Watches a world for its Outcome, and does to it what the scenario says at points of progress:
// masters die at their piece, the ACS orders activations, processors get busy by the hour.

#include <map>
#include <set>
#include <vector>

#include "sim/flow/cpu_day.hpp"
#include "sim/flow/outcome.hpp"
#include "sim/flow/plans.hpp"
#include "sim/world/world.hpp"

namespace sluice::sim::session {

class Watcher final : public world::Observer {
public:
    Watcher(const scenario::Scenario& scenario, const flow::Population& population,
            const flow::Plans& plans, flow::Outcome& out);

    void watch(world::World& world);
    // Dies once it has so many pieces.
    void kill_at(std::uint32_t host, std::uint32_t pieces) { kills_[host] = pieces; }
    // Dies for good: nobody waits for it.
    void excuse(std::uint32_t host);
    bool is_all_done() const { return to_run_ == 0; }

    void on_fault(const world::Fault& fault, Instant now) override;
    void on_boot(const world::Host& host, Instant now) override;
    void on_event(const world::Host& host, const transfer::Event& event, Instant now) override;
    void on_action(const world::Host& host, const transfer::Action& action, Instant now) override;
    void on_action(const world::Host& host, const serving::Action& action, Instant now) override;
    using Observer::on_action;
    using Observer::on_event;

private:
    void die(const world::Host& host, Instant now);
    void note_request(const world::Host& host, const transfer::RequestRun& run, double now);
    void note_arrival(const world::Host& host, const transfer::PieceArrived& arrived, double now);
    void note_done(std::uint32_t host, Instant now);
    void note_running(std::uint32_t host, Instant now);
    void order_if_due(std::uint32_t host, Instant now);
    void order_at(std::uint32_t host, Instant at);
    bool is_gateway(std::uint32_t host) const;

    const scenario::Scenario& s_;
    const flow::Population& population_;
    flow::Outcome& out_;
    flow::CpuDay cpu_;
    world::World* world_ = nullptr;
    std::map<std::uint32_t, std::uint32_t> kills_;                   // by host: pieces it has then
    std::set<std::pair<std::uint32_t, std::uint32_t>> from_origin_;  // host, request
    std::map<std::uint32_t, double> origin_since_;  // by host: of the piece that is coming
    std::vector<std::uint32_t> parent_;             // by host; kFromOrigin
    std::vector<std::uint32_t> children_left_;      // by host: those it serves by plan
    std::vector<std::uint32_t> others_left_;        // by site: not yet on the new image
    std::vector<bool> is_excused_;
    std::uint32_t to_run_;  // hosts not yet on the new image
};

}  // namespace sluice::sim::session
