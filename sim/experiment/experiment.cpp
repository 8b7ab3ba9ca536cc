#include "sim/experiment/experiment.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "sim/flow/statistics.hpp"
#include "sim/session/session.hpp"

namespace sluice::sim::experiment {
namespace {

class Stopwatch {
public:
    double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - from_).count();
    }

private:
    std::chrono::steady_clock::time_point from_ = std::chrono::steady_clock::now();
};

// Of the devices that were done; 0 when none was.
double done_quantile(const Outcome& o, double q) {
    auto sorted = o.sorted_done();
    while (!sorted.empty() && sorted.back() == flow::kNotDone) sorted.pop_back();
    return flow::quantile_of(sorted, q);
}

constexpr std::array kFigures{
    Figure{"last_done_s", [](const Experiment&, const Outcome& o) { return o.last_done(); }},
    Figure{"median_done_s",
           [](const Experiment&, const Outcome& o) { return done_quantile(o, 0.5); }},
    Figure{"p99_done_s",
           [](const Experiment&, const Outcome& o) { return done_quantile(o, 0.99); }},
    Figure{"origin_images",
           [](const Experiment&, const Outcome& o) { return o.images_from_origin(); }},
    Figure{"images_per_site",
           [](const Experiment&, const Outcome& o) { return o.images_from_origin() / o.sites; }},
    Figure{"offload", [](const Experiment& e,
                         const Outcome& o) { return 1 - o.images_from_origin() / e.devices; }},
    Figure{"peak_origin_bps", [](const Experiment&, const Outcome& o) { return o.peak_wire_bps; }},
    Figure{"bound_s", [](const Experiment& e, const Outcome&) { return e.bound.seconds; }},
    Figure{"sharing_sites", [](const Experiment& e, const Outcome&) { return e.sharing_sites; }},
    Figure{"unfinished",
           [](const Experiment&, const Outcome& o) { return static_cast<double>(o.unfinished()); }},
    Figure{"origin_fallbacks",
           [](const Experiment&, const Outcome& o) {
               return static_cast<double>(o.origin_fallbacks);
           }},
};

}  // namespace

std::span<const Figure> figures() {
    return kFigures;
}

std::size_t estimate_bytes(const scenario::Scenario& s) {
    // Measured, bytes a device: the planner's inventory with its identities, its plans and this
    // folder's columns; what everybody from the origin at once costs more; a device whose pieces
    // are followed one by one; and one that is a session, a server and their connections.
    constexpr double kPlanner = 250, kColumns = 70, kUnicast = 40, kEventful = 500,
                     kSession = 20'000;
    const bool has_unicast = std::ranges::count(s.strategies, scenario::Strategy::unicast) > 0;
    const bool is_eventful = s.lan != scenario::LanKind::wired || s.outages_per_day > 0;
    const auto a_device =
        s.fidelity == scenario::Fidelity::session
            ? kSession
            : kPlanner + kColumns + (has_unicast ? kUnicast : 0) + (is_eventful ? kEventful : 0);
    return static_cast<std::size_t>(static_cast<double>(s.devices) * a_device);
}

Result<Experiment> run_experiment(const scenario::Scenario& s, std::uint64_t seed,
                                  const std::function<void(double)>& progress) {
    Experiment out;
    out.seed = seed;
    auto drawn = s.devices_file.empty() ? Result<flow::Population>(flow::draw_population(s, seed))
                                        : flow::read_population(s.devices_file, s, seed);
    SLUICE_TRY(const auto population, std::move(drawn));
    out.devices = population.size();
    out.sites = population.sites();
    out.sharing_sites = population.sharing_sites();

    // Planning is one part of the work, each strategy another.
    const auto parts = static_cast<double>(s.strategies.size() + 1);
    const auto tell = [&](double before, std::uint64_t done) {
        if (progress) progress((before + static_cast<double>(done) / out.devices) / parts);
    };
    const Stopwatch planning;
    SLUICE_TRY(const auto planned,
               flow::make_plans(s, population, seed, [&](std::uint64_t done) { tell(0, done); }));
    out.seconds_planning = planning.seconds();
    out.planner_bytes = planned.inventory_bytes;
    out.groups = planned.groups();
    out.bound = flow::lower_bound(s, population, planned);
    for (const auto strategy : s.strategies) {
        auto plans = planned;
        flow::reshape(plans, strategy, static_cast<std::uint32_t>(s.fan_out));
        const Stopwatch running;
        if (s.fidelity == scenario::Fidelity::session) {
            SLUICE_TRY(auto outcome, session::simulate(s, population, plans, strategy, seed));
            out.outcomes.push_back(std::move(outcome));
        } else {
            flow::RunOptions options;
            options.strategy = strategy;
            options.seed = seed;
            const auto before = static_cast<double>(out.outcomes.size() + 1);
            options.progress = [&](std::uint64_t done) { tell(before, done); };
            out.outcomes.push_back(flow::simulate(s, population, plans, options));
        }
        out.outcomes.back().column_bytes += population.bytes() + plans.bytes();
        out.outcomes.back().seconds = running.seconds();
    }
    return out;
}

}  // namespace sluice::sim::experiment
