#include "sim/session/session.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "sim/flow/activation.hpp"
#include "sim/flow/random.hpp"
#include "sim/flow/schedule.hpp"
#include "sim/world/outcome.hpp"
#include "sim/world/world.hpp"

namespace sluice::sim::session {
namespace {

using flow::Outcome;
using flow::Plans;
using flow::Population;
using flow::Stream;
using scenario::Scenario;
using scenario::Strategy;
using world::FaultKind;
using world::HostIndex;

constexpr std::uint64_t kMaxEvents = 4'000'000'000;
constexpr double kHorizon = 30 * 86400.0;
const std::string kOriginUrl = "http://origin/image.bin";

Duration duration(double seconds) {
    return Duration(static_cast<Duration::rep>(std::llround(seconds * 1e9)));
}
double seconds(Duration d) {
    return std::chrono::duration<double>(d).count();
}
std::string url_of(std::uint32_t device) {
    return "http://d" + std::to_string(device);
}

Result<void> check(const Scenario& s, const Population& population, Strategy strategy) {
    const auto refuse = [](const char* key, const char* why) {
        return Error{std::string(key) + ": " + why + " (fidelity session)"};
    };
    if (population.size() > kMaxDevices) return refuse("fleet.devices", "more than 100,000");
    if (strategy != Strategy::planned && strategy != Strategy::unicast)
        return refuse("run.strategies", "only planned and unicast");
    if (s.lan == scenario::LanKind::wifi) return refuse("lan.kind", "only wired");
    if (s.aggregations > 0) return refuse("network.aggregations", "none");
    if (s.flash_write > 0) return refuse("device.flash_write", "has no limit");
    if (s.brownout_for > 0 || s.outages_per_day > 0)
        return refuse("failures", "only master_death and poison_share");
    return success();
}

world::Costs costs_of(const Scenario& s, std::uint32_t piece_length) {
    world::Costs out;
    out.header_factor = 1 / s.goodput;
    out.boot = Duration{};
    // What the scenario gives for a piece, the hash included.
    out.per_piece = duration(s.piece_time);
    out.hash_bytes_per_s = 1e15;
    out.lan_delay = 1us;
    out.origin_delay = std::max(Duration(1us), duration(s.request_delay / 6));
    out.flush_bytes = std::max(out.flush_bytes, piece_length);
    return out;
}

// Watches progress: kills masters at their piece, counts the origin's bytes over time.
class Watcher final : public world::Observer {
public:
    Watcher(const Scenario& s, Outcome& out) : s_(s), out_(out) {}

    void set_world(world::World& world) { world_ = &world; }
    void kill_at(std::uint32_t host, std::uint32_t pieces) { kills_[host] = pieces; }

    void on_event(const world::Host& host, const transfer::Event& event, Instant now) override {
        if (const auto* arrived = std::get_if<transfer::PieceArrived>(&event))
            note_arrival(host, *arrived, seconds(now.since_start));
        const auto* proved = std::get_if<transfer::PieceProved>(&event);
        if (proved == nullptr || kills_.empty()) return;
        const auto at = kills_.find(host.index().value);
        if (at == kills_.end() || host.have().count() != at->second) return;
        kills_.erase(at);
        const bool is_power = s_.death_kind == scenario::DeathKind::power;
        world_->add_fault(
            {now, is_power ? FaultKind::cut_power : FaultKind::kill, host.index(), 0});
        if (s_.death_returns > 0)
            world_->add_fault({now + duration(s_.death_returns), FaultKind::boot, host.index(), 0});
    }
    void on_action(const world::Host& host, const transfer::Action& action, Instant now) override {
        if (std::holds_alternative<transfer::Finish>(action))
            out_.done_at[host.index().value] = seconds(now.since_start);
        else if (std::holds_alternative<transfer::LeaveSource>(action))
            ++out_.lost_sources;
        else if (const auto* run = std::get_if<transfer::RequestRun>(&action))
            note_request(host, *run, seconds(now.since_start));
    }
    using Observer::on_action;
    using Observer::on_event;

private:
    void note_request(const world::Host& host, const transfer::RequestRun& run, double now) {
        if (!host.is_origin(run.source)) return;
        const auto h = host.index().value;
        if (host.spec().assignment.sources.size() > 1 && origin_since_.count(h) == 0 &&
            host.have().count() > 0)
            ++out_.origin_fallbacks;
        from_origin_.insert({h, run.id.value});
        origin_since_.try_emplace(h, now);
    }
    // Spread over the time since its piece before.
    void note_arrival(const world::Host& host, const transfer::PieceArrived& arrived, double now) {
        const auto h = host.index().value;
        if (!from_origin_.contains({h, arrived.id.value})) return;
        auto& since = origin_since_[h];
        const auto bits = 8.0 * host.layout().size_of(arrived.piece);
        if (now > since) out_.origin_payload.add(since, now, bits / (now - since));
        since = now;
    }

    const Scenario& s_;
    Outcome& out_;
    world::World* world_ = nullptr;
    std::map<std::uint32_t, std::uint32_t> kills_;                   // by host: pieces it has then
    std::set<std::pair<std::uint32_t, std::uint32_t>> from_origin_;  // host, request
    std::map<std::uint32_t, double> origin_since_;  // by host: of the piece that is coming
};

// Hosts are numbered as devices are.
Result<world::SiteSpec> spec_of(const Scenario& s, const Population& population, Strategy strategy,
                                std::uint64_t seed, const Outcome& out) {
    world::SiteSpec spec;
    const auto length = static_cast<std::uint64_t>(s.image_size);
    spec.layout = {length, static_cast<std::uint32_t>((length + s.pieces - 1) / s.pieces)};
    spec.origin_url = kOriginUrl;
    spec.origin_bps = s.origin_rate;
    spec.costs = costs_of(s, spec.layout.piece_length);
    spec.seed = seed;
    spec.access_bps = population.access_bps.front();
    for (std::uint32_t site = 1; site < population.sites(); ++site)
        spec.further_lines_bps.push_back(population.access_bps[site]);
    spec.hosts.resize(population.size());
    for (std::uint32_t d = 0; d < population.size(); ++d) {
        auto& host = spec.hosts[d];
        host.url = url_of(d);
        host.up_bps = population.up_bps[d];
        host.down_bps = population.down_bps[d];
        host.line = population.site[d];
        host.starts_at = duration(out.starts_at[d]);
    }
    auto visited = flow::for_each_plan(
        s, population, seed,
        [&](const planning::SitePlan& plan, const std::vector<std::uint32_t>& devices) {
            for (std::size_t rank = 0; rank < devices.size(); ++rank) {
                const auto& member = plan.members[rank];
                auto& assignment = spec.hosts[devices[rank]].assignment;
                assignment = member.assignment;
                std::vector<planning::Source> sources;
                if (strategy == Strategy::planned)
                    for (const auto from : member.source_members)
                        if (from != planning::kFromOrigin)
                            sources.push_back(
                                {planning::SourceKind::peer, url_of(devices[from]), "", "", ""});
                sources.push_back({planning::SourceKind::origin, kOriginUrl, "", "", ""});
                assignment.sources = std::move(sources);
                if (strategy == Strategy::unicast) {
                    assignment.budgets.origin_delay = {};
                    assignment.budgets.origin_bytes = 4 * spec.layout.length;
                }
            }
            return Result<void>(success());
        });
    if (!visited) return std::move(visited).error();
    return spec;
}

void add_failures(const Scenario& s, const Population& population, const Plans& plans,
                  std::uint64_t seed, world::World& world, Watcher& watcher) {
    for (std::uint32_t g = 0; g < plans.groups(); ++g) {
        if (plans.sharing[g] < 2 || flow::draw(seed, Stream::death, g) >= s.master_death) continue;
        const auto part = s.death_at.quantile(flow::draw(seed, Stream::death_at, g));
        const auto master = plans.member[plans.first_member[g]];
        watcher.kill_at(master, static_cast<std::uint32_t>(std::clamp(part, 0.0, 1.0) *
                                                           static_cast<double>(s.pieces)));
        if (s.death_returns <= 0) world.excuse(HostIndex{master});
    }
    for (std::uint32_t d = 0; d < population.size(); ++d)
        if ((population.flags[d] & Population::kPoison) != 0)
            world.add_fault({Instant{}, FaultKind::lie_from, HostIndex{d}, 0});
}

}  // namespace

Result<Outcome> simulate(const Scenario& s, const Population& population, const Plans& plans,
                         Strategy strategy, std::uint64_t seed) {
    SLUICE_CHECK(check(s, population, strategy));
    Outcome out;
    out.strategy = strategy;
    out.sites = population.sites();
    out.image_bits = 8 * s.image_size;
    out.starts_at = flow::start_times(s, population, plans, seed);
    out.done_at.assign(population.size(), flow::kNotDone);
    SLUICE_TRY(auto spec, spec_of(s, population, strategy, seed, out));
    world::World world(spec, {});
    Watcher watcher(s, out);
    watcher.set_world(world);
    world.add(watcher);
    if (strategy == Strategy::planned) add_failures(s, population, plans, seed, world, watcher);
    const auto ending = world.run(Instant{duration(kHorizon)}, kMaxEvents);
    if (ending == world::Ending::too_many_events)
        return Error{"fidelity session: more than 4 billion events"};
    out.origin_bits = 8 * static_cast<double>(world.wire().sent_by(world.origin()));
    out.events = world.events();
    out.lan_solves = world.network().solves();
    out.groups_eventful = plans.groups();
    for (std::size_t i = 0; i < out.origin_payload.used(); ++i)
        out.peak_wire_bps = std::max(out.peak_wire_bps, out.origin_payload.mean(i) / s.goodput);
    out.active_at = flow::activation_times(s, population, plans, out.done_at);
    return out;
}

}  // namespace sluice::sim::session
