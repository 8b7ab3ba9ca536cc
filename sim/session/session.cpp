#include "sim/session/session.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/flow/outages.hpp"
#include "sim/flow/schedule.hpp"
#include "sim/session/site_spec.hpp"
#include "sim/session/watcher.hpp"
#include "sim/world/world.hpp"

namespace sluice::sim::session {
namespace {

using flow::Outcome;
using flow::Plans;
using flow::Population;
using scenario::Scenario;
using scenario::Strategy;
using world::FaultKind;
using world::HostIndex;

constexpr std::uint64_t kMaxEvents = 4'000'000'000;
constexpr double kHorizon = 30 * 86400.0;

Instant at_seconds(double seconds) {
    return Instant{Duration(static_cast<Duration::rep>(std::llround(seconds * 1e9)))};
}

Result<void> check(const Population& population, Strategy strategy) {
    const auto refuse = [](const char* key, const char* why) {
        return Error{std::string(key) + ": " + why + " (fidelity session)"};
    };
    if (population.size() > kMaxDevices) return refuse("fleet.devices", "more than 100,000");
    if (strategy == Strategy::swarm) return refuse("run.strategies", "swarm is only modelled");
    return success();
}

void add_failures(const Scenario& s, const Population& population, const Plans& plans,
                  std::uint64_t seed, const Outcome& out, world::World& world, Watcher& watcher) {
    for (std::uint32_t g = 0; g < plans.groups(); ++g) {
        if (plans.sharing[g] < 2) continue;
        const auto pieces = flow::death_of_master(s, seed, g);
        if (!pieces) continue;
        const auto master = plans.member[plans.first_member[g]];
        watcher.kill_at(master, *pieces);
        if (s.death_returns <= 0) watcher.excuse(master);
    }
    for (std::uint32_t d = 0; d < population.size(); ++d) {
        if ((population.flags[d] & Population::kPoison) != 0)
            world.add_fault({Instant{}, FaultKind::lie_from, HostIndex{d}, 0});
        for (const auto& [from, to] : flow::outages_of(s, seed, d, out.starts_at[d])) {
            world.add_fault({at_seconds(from), FaultKind::cut_power, HostIndex{d}, 0});
            world.add_fault({at_seconds(to), FaultKind::boot, HostIndex{d}, 0});
        }
    }
    if (s.brownout_for > 0) {
        world.add_fault(
            {at_seconds(s.brownout_at), FaultKind::rate, {}, s.origin_rate * s.brownout_to});
        world.add_fault(
            {at_seconds(s.brownout_at + s.brownout_for), FaultKind::rate, {}, s.origin_rate});
    }
}

}  // namespace

Result<Outcome> simulate(const Scenario& s, const Population& population, const Plans& plans,
                         Strategy strategy, std::uint64_t seed) {
    SLUICE_CHECK(check(population, strategy));
    Outcome out;
    out.strategy = strategy;
    out.sites = population.sites();
    out.image_bits = 8 * s.image_size;
    out.starts_at = flow::start_times(s, population, plans, seed);
    out.done_at.assign(population.size(), flow::kNotDone);
    out.active_at.assign(population.size(), flow::kNotDone);
    SLUICE_TRY(auto spec, site_spec(s, population, plans, strategy, seed, out.starts_at));
    world::World world(spec, {});
    Watcher watcher(s, population, plans, out);
    watcher.watch(world);
    add_failures(s, population, plans, seed, out, world, watcher);
    const auto ending =
        world.run(at_seconds(kHorizon), kMaxEvents, [&] { return watcher.is_all_done(); });
    if (ending == world::Ending::too_many_events)
        return Error{"fidelity session: more than 4 billion events"};
    out.is_joined = true;
    out.origin_bits = 8 * static_cast<double>(world.wire().sent_by(world.origin()));
    out.events = world.events();
    out.lan_solves = world.network().solves();
    out.groups_eventful = plans.groups();
    for (std::size_t i = 0; i < out.origin_payload.used(); ++i)
        out.peak_wire_bps = std::max(out.peak_wire_bps, out.origin_payload.mean(i) / s.goodput);
    return out;
}

}  // namespace sluice::sim::session
