#include "sim/results/run_files.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "sim/flow/statistics.hpp"

namespace sluice::sim::results {
namespace {

using flow::kNotDone;
using Json = nlohmann::ordered_json;

// JSON has no infinity.
Json number(double value) {
    return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json times_of(std::vector<double> at) {
    std::ranges::sort(at);
    while (!at.empty() && at.back() == kNotDone) at.pop_back();
    Json out;
    double sum = 0;
    for (const auto t : at) sum += t;
    out["mean"] = at.empty() ? 0 : sum / static_cast<double>(at.size());
    for (const auto& [name, q] : {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}})
        out[name] = flow::quantile_of(at, q);
    out["last"] = at.empty() ? 0 : at.back();
    return out;
}

Json bound_by(const network::Usage& usage) {
    const auto sum = usage.bound_by_origin + usage.bound_by_aggregation + usage.bound_by_site +
                     usage.bound_by_device;
    const auto part = [sum](double x) { return sum > 0 ? x / sum : 0; };
    return {{"origin", part(usage.bound_by_origin)},
            {"aggregation", part(usage.bound_by_aggregation)},
            {"site_access", part(usage.bound_by_site)},
            {"device", part(usage.bound_by_device)}};
}

Json strategy_json(const experiment::Experiment& e, const flow::Outcome& o) {
    Json out;
    out["strategy"] = scenario::kStrategyNames[static_cast<std::size_t>(o.strategy)];
    constexpr auto kSwarm = static_cast<std::size_t>(planning::Topology::swarm);
    out["is_modelled"] = o.strategy == scenario::Strategy::swarm || o.topologies[kSwarm] > 0;
    if (o.strategy == scenario::Strategy::planned)
        for (std::size_t t = 0; t < o.topologies.size(); ++t)
            out["topologies"][std::string(planning::kTopologyNames[t])] = o.topologies[t];
    out["done_s"] = times_of(o.done_at);
    out["running_s"] = times_of(o.active_at);
    out["unfinished"] = o.unfinished();
    out["origin_images"] = o.images_from_origin();
    out["origin_bytes"] = o.origin_bits / 8;
    out["images_per_site"] = o.images_from_origin() / e.sites;
    out["offload"] = 1 - o.images_from_origin() / e.devices;
    out["peak_origin_bps"] = o.peak_wire_bps;
    out["last_over_bound"] = number(o.last_done() / e.bound.seconds);
    out["wan_flow_time_bound_by"] = bound_by(o.usage);
    out["solver"] = {{"wan", o.is_joined ? "progressive filling, with the LANs" : "tree"},
                     {"lan_groups_in_step", o.groups_in_step},
                     {"lan_groups_apart", o.groups_apart},
                     {"lan_groups_by_events", o.groups_by_events},
                     {"lan_groups_progressive_filling", o.groups_eventful},
                     {"progressive_filling_solves", o.lan_solves},
                     {"events", o.events}};
    out["lost_sources"] = o.lost_sources;
    out["origin_fallbacks"] = o.origin_fallbacks;
    out["wasted_bytes"] = o.wasted_bits / 8;
    out["turned_away"] = o.turned_away;
    return out;
}

void append_rows(std::string& out, const scenario::Scenario& s, const flow::Outcome& o) {
    const auto done = o.sorted_done();
    auto running = o.active_at;
    auto starts = o.starts_at;
    std::ranges::sort(running);
    std::ranges::sort(starts);
    const auto before = [](const std::vector<double>& sorted, double t) {
        return static_cast<std::size_t>(std::ranges::upper_bound(sorted, t) - sorted.begin());
    };
    const auto name = std::string(scenario::kStrategyNames[static_cast<std::size_t>(o.strategy)]);
    auto step = o.origin_payload.step();
    auto rows = o.origin_payload.used();
    // The LANs go on when the origin is through.
    const auto last = std::ceil(o.last_done() / step);
    rows = std::max(rows, static_cast<std::size_t>(std::min(last, 4.0 * flow::Series::kSteps)));
    for (std::size_t i = 0; i < rows; ++i) {
        const auto at = step * static_cast<double>(i + 1);
        const auto is_done = before(done, at);
        out += name + "," + number_text(at) + "," +
               number_text(o.origin_payload.mean(i) / s.goodput) + "," +
               std::to_string(before(starts, at) - std::min(is_done, before(starts, at))) + "," +
               std::to_string(is_done) + "," + std::to_string(before(running, at)) + "\n";
    }
}

}  // namespace

std::string number_text(double value) {
    std::array<char, 32> text;
    std::snprintf(text.data(), text.size(), "%.12g", value);
    return text.data();
}

std::string summary_json(const scenario::Scenario& s, const experiment::Experiment& e) {
    Json out;
    out["program"] = "sluice-sim";
    out["version"] = SLUICE_VERSION;
    out["format"] = 1;
    out["scenario"] = s.name;
    out["description"] = s.description;
    out["seed"] = e.seed;
    out["fidelity"] = scenario::kFidelityNames[static_cast<std::size_t>(s.fidelity)];
    out["origin_rate_bps"] = s.origin_rate;
    out["image_bytes"] = s.image_size;
    out["pieces"] = s.pieces;
    out["fleet"] = {{"devices", e.devices},
                    {"sites", e.sites},
                    {"groups", e.groups},
                    {"sites_with_two_of_one_model", e.sharing_sites}};
    out["bound"] = {{"last_done_s", e.bound.seconds}, {"origin_images", e.bound.origin_images}};
    out["strategies"] = Json::array();
    for (const auto& o : e.outcomes) out["strategies"].push_back(strategy_json(e, o));
    return out.dump(2) + "\n";
}

std::string timeseries_csv(const scenario::Scenario& s, const experiment::Experiment& e) {
    std::string out = "strategy,time_s,origin_bps,active,done,running\n";
    for (const auto& o : e.outcomes) append_rows(out, s, o);
    return out;
}

std::string devices_csv(const experiment::Experiment& e) {
    std::string out = "strategy,device,starts_s,done_s,running_s\n";
    for (const auto& o : e.outcomes) {
        const auto name =
            std::string(scenario::kStrategyNames[static_cast<std::size_t>(o.strategy)]);
        for (std::size_t d = 0; d < o.done_at.size(); ++d)
            out += name + "," + std::to_string(d) + "," + number_text(o.starts_at[d]) + "," +
                   (o.done_at[d] == kNotDone ? "" : number_text(o.done_at[d])) + "," +
                   (o.active_at[d] == kNotDone ? "" : number_text(o.active_at[d])) + "\n";
    }
    return out;
}

}  // namespace sluice::sim::results
