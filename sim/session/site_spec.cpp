#include "sim/session/site_spec.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::sim::session {
namespace {

using flow::Plans;
using flow::Population;
using scenario::LanKind;
using scenario::Scenario;
using scenario::Strategy;

const std::string kOriginUrl = "http://origin/image.bin";
constexpr double kNoLimit = 1e16;

Duration duration(double seconds) {
    return Duration(static_cast<Duration::rep>(std::llround(seconds * 1e9)));
}
std::string url_of(std::uint32_t device) {
    return "http://d" + std::to_string(device);
}

world::Costs costs_of(const Scenario& s, const image::PieceLayout& layout) {
    world::Costs out;
    out.header_factor = 1 / s.goodput;
    out.boot = Duration{};
    // What the scenario gives for a piece, the hash included.
    out.per_piece = duration(s.piece_time);
    out.hash_bytes_per_s = 1e15;
    out.lan_delay = 1us;
    // Set-up, layer and first run: three round trips.
    out.origin_delay = std::max(Duration(1us), duration(s.request_delay / 6));
    out.loses_all = true;
    out.flush_bytes = std::max(out.flush_bytes, layout.piece_length);
    // The slot is written, and read back.
    const auto bytes = static_cast<double>(layout.length);
    out.flash_bytes_per_s = s.install_time > 0 ? 2 * bytes / s.install_time : 1e15;
    out.sync = 1us;
    out.reboot = duration(s.reboot_time);
    return out;
}

void add_links(const Scenario& s, const Population& population, world::SiteSpec& spec) {
    const bool has_lines = s.lan != LanKind::lines;  // else each device's port is one
    const auto line = [&](std::uint32_t site) {
        return has_lines ? static_cast<double>(population.access_bps[site]) : kNoLimit;
    };
    spec.origin_bps = s.origin_rate;
    spec.access_bps = line(0);
    for (std::uint32_t site = 1; site < population.sites(); ++site)
        spec.further_lines_bps.push_back(line(site));
    spec.aggregations_bps.assign(s.aggregations, s.aggregation_rate);
    if (s.lan == LanKind::wifi) spec.airs_bps.assign(population.sites(), s.air_rate);
    spec.hosts.resize(population.size());
    for (std::uint32_t d = 0; d < population.size(); ++d) {
        auto& host = spec.hosts[d];
        host.url = url_of(d);
        host.up_bps = population.up_bps[d];
        host.down_bps = population.down_bps[d];
        // What its flash stores, as a rate of the link that brings it.
        if (s.flash_write > 0)
            host.down_bps = std::min(host.down_bps, 8 * s.flash_write / s.goodput);
        host.line = population.site[d];
        host.is_on_air = s.lan == LanKind::wifi && d != population.first_device[population.site[d]];
    }
}

// In another shape than the planner's, somebody may serve who was not planned to.
void let_serve(planning::Assignment& assignment, const planning::Assignment& master,
               std::uint32_t children) {
    if (!assignment.serving) assignment.serving = master.serving;
    if (assignment.serving)
        assignment.serving->slots = std::max(assignment.serving->slots, 2 * children);
}

}  // namespace

Result<world::SiteSpec> site_spec(const Scenario& s, const Population& population,
                                  const Plans& plans, Strategy strategy, std::uint64_t seed,
                                  const std::vector<double>& starts_at) {
    world::SiteSpec spec;
    const auto length = static_cast<std::uint64_t>(s.image_size);
    spec.layout = {length, static_cast<std::uint32_t>((length + s.pieces - 1) / s.pieces)};
    spec.origin_url = kOriginUrl;
    spec.costs = costs_of(s, spec.layout);
    spec.seed = seed;
    add_links(s, population, spec);
    std::uint32_t g = 0;
    auto visited = flow::for_each_plan(
        s, population, seed,
        [&](const planning::SitePlan& plan, const std::vector<std::uint32_t>& devices) {
            const auto begin = plans.first_member[g];
            std::vector<std::uint32_t> children(devices.size());
            for (std::uint32_t rank = 0; rank < devices.size(); ++rank) {
                auto& host = spec.hosts[devices[rank]];
                host.starts_at = duration(starts_at[devices[rank]]);
                host.gives_only_whole = strategy == Strategy::store_and_forward;
                auto& assignment = host.assignment;
                assignment = plan.members[rank].assignment;
                assignment.sources.clear();
                for (const auto from : plans.sources(begin + rank)) {
                    assignment.sources.push_back(
                        {planning::SourceKind::peer, url_of(devices[from]), "", "", ""});
                    ++children[from];
                }
                assignment.sources.push_back(
                    {planning::SourceKind::origin, kOriginUrl, "", "", ""});
                if (strategy == Strategy::unicast) {
                    assignment.budgets.origin_delay = {};
                    assignment.budgets.origin_bytes = 4 * spec.layout.length;
                }
            }
            if (strategy != Strategy::planned && strategy != Strategy::unicast)
                for (std::uint32_t rank = 0; rank < plans.sharing[g]; ++rank)
                    let_serve(spec.hosts[devices[rank]].assignment, plan.members[0].assignment,
                              children[rank]);
            ++g;
            return Result<void>(success());
        });
    if (!visited) return std::move(visited).error();
    return spec;
}

}  // namespace sluice::sim::session
