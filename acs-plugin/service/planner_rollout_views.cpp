// What the planner shows of rollouts. Totals are kept as they change; sites and devices are paged.

#include <algorithm>

#include "acs-plugin/service/outcome.hpp"
#include "acs-plugin/service/planner_impl.hpp"

namespace sluice::service {
namespace {

constexpr std::size_t kMostAlarms = 1000;

void earlier(WallTime& held, WallTime t) {
    if (t.unix_ms != 0 && (held.unix_ms == 0 || t < held)) held = t;
}

double percent_of(std::uint64_t part, std::uint64_t all) {
    return all == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(all);
}

void add_states(std::map<std::string, std::uint32_t>& to, const rollout::WaveTally& tally) {
    for (std::size_t i = 0; i < tally.states.size(); ++i)
        if (tally.states[i] > 0) to[std::string(rollout::kStateNames[i])] += tally.states[i];
    if (tally.expected > 0) to[std::string(name_of(rollout::State::waiting))] += tally.expected;
}

}  // namespace

// max(F/u_origin, F/d_min, N·F/(u_origin+Σu_i)): of the bare bytes. Headers on the wire come on
// top.
double Planner::Impl::bound_seconds(const Run& run, const std::vector<DeviceIndex>& members) const {
    const auto& inventory = fleet().inventory();
    const auto& policy = settings.fleet.planning;
    const auto known = [&](std::uint64_t bps) {
        return static_cast<double>(bps == 0 ? policy.assumed_lan_bps : bps);
    };
    const auto origin =
        static_cast<double>(run.spec.origin_bps != 0 ? run.spec.origin_bps : settings.origin_bps);
    double slowest = origin, sum = origin;
    for (const auto d : members) {
        slowest = std::min(slowest, known(inventory.downlink_bps(d)));
        if (inventory.is_agent(d)) sum += known(inventory.uplink_bps(d));
    }
    const auto bits = static_cast<double>(run.image->length) * 8;
    return std::max(bits / slowest, static_cast<double>(members.size()) * bits / sum);
}

RolloutSiteView Planner::Impl::site_view(const Run& run, rollout::SiteNumber number) const {
    RolloutSiteView out;
    out.site = run.name_of_site(number);
    std::vector<DeviceIndex> members;
    for (const auto m : run.engine.members(number)) {
        const auto& seat = run.seat(m);
        const auto face = run.face_of(m);
        ++out.devices;
        ++out.states[face.state];
        if (face.state == name_of(rollout::State::done)) ++out.done;
        if (face.state == name_of(rollout::State::failed)) ++out.failed;
        out.peer_bytes += face.peer_bytes;
        earlier(out.first_ordered, face.ordered);
        out.last_fetched = std::max(out.last_fetched, face.fetched);
        out.last_done = std::max(out.last_done, face.done);
        members.push_back(seat.device);
        if (!seat.plan) continue;
        if (seat.plan->topology[0] != 0) out.topology = seat.plan->topology.data();
        if (seat.plan->topology_why) out.topology_why = *seat.plan->topology_why;
    }
    out.bound_seconds = bound_seconds(run, members);
    if (const auto count = run.counts.find(run.key_of_site(number)); count != run.counts.end()) {
        out.origin_bytes = count->second.bytes - count->second.canary_bytes;
        out.canary_bytes = count->second.canary_bytes;
    }
    return out;
}

WaveView Planner::Impl::wave_view(const Run& run, std::size_t wave) const {
    const rollout::WaveNumber w{static_cast<std::uint8_t>(wave)};
    const auto& waves = run.engine.waves();
    const auto& tally = waves.tally(w);
    const auto& stand = waves.stand(w);
    WaveView out;
    out.number = static_cast<std::uint32_t>(wave);
    out.is_canary = run.cuts.is_canary(wave);
    out.whom = run.cuts.whom(wave);
    out.devices = tally.size();
    out.ordered = tally.ordered;
    out.done = tally.of(rollout::State::done);
    out.failed = tally.of(rollout::State::failed);
    out.skipped = tally.of(rollout::State::skipped);
    add_states(out.states, tally);
    out.success_percent = waves.policy(w).success_percent;
    out.error_percent = waves.policy(w).error_percent;
    out.success_now = percent_of(out.done, tally.counting());
    out.error_now = percent_of(waves.failing(w), tally.ordered);
    if (stand.is_said) out.opened = wall_of(stand.opened);
    out.succeeded = wall_of(stand.succeeded);
    out.passed = wall_of(stand.passed);
    out.soak = run.cuts.spec(wave).soak;
    const bool is_halted = run.row.state == RolloutState::halted && run.halted_wave == wave;
    out.state = is_halted                                                  ? "halted"
                : out.passed.unix_ms != 0                                  ? "passed"
                : !stand.is_said                                           ? "waiting"
                : out.succeeded.unix_ms != 0 && wave + 1 < run.cuts.size() ? "soaking"
                                                                           : "open";
    return out;
}

RolloutView Planner::Impl::view(const Run& run) const {
    RolloutView out;
    out.row = run.row;
    out.row.key.clear();
    out.image_name = run.image->name;
    out.software_version = run.image->software_version;
    out.image_length = run.image->length;
    out.priority = run.spec.priority;
    for (std::size_t w = 0; w < run.cuts.size(); ++w) {
        const auto& tally =
            run.engine.waves().tally(rollout::WaveNumber{static_cast<std::uint8_t>(w)});
        out.waves.push_back(wave_view(run, w));
        out.devices += tally.size();
        out.done += tally.of(rollout::State::done);
        out.failed += tally.of(rollout::State::failed);
        out.late_starts += tally.late;
        out.verification_failures += tally.alarming;
        add_states(out.states, tally);
    }
    if (run.untouched > 0) {
        out.devices += run.untouched;
        out.states[std::string(name_of(rollout::State::cancelled))] += run.untouched;
    }
    const auto& totals = run.totals;
    out.faults = totals.faults;
    out.origin_transfers = run.engine.origin_transfers();
    out.permits = run.engine.permits_out();
    out.origin_bytes = totals.origin_bytes;
    out.canary_bytes = totals.canary_bytes;
    out.peer_bytes = totals.peer_bytes;
    out.first_ordered = totals.first_ordered;
    out.last_fetched = totals.last_fetched;
    out.last_done = totals.last_done;
    out.held_sites = totals.held_sites;
    if (run.row.state == RolloutState::halted) {
        out.halted = run.halted;
        out.halt_reason = rollout::describe(run.halt_cause);
    }
    out.site_count = run.engine.site_count();
    if (run.spec.site_budget_images > 0)
        for (const auto& [key, count] : run.counts)
            if (count.is_alarmed && out.alarms.size() < kMostAlarms)
                out.alarms.push_back({key.starts_with('\n') ? key.substr(1) : key, "site.budget",
                                      count.is_held, count.spent(), run.budget_of(key)});
    out.sites = sites_of(run, {}, kSitesInView);
    return out;
}

// By name; who has no site comes last, one by one and by identity.
std::vector<RolloutSiteView> Planner::Impl::sites_of(const Run& run, std::string_view after,
                                                     std::size_t at_most) const {
    using Named = std::pair<std::string, rollout::SiteNumber>;
    const auto less = [](const Named& a, const Named& b) { return a.first < b.first; };
    std::vector<Named> page;  // a heap: the last name on top
    const auto name_of = [&](rollout::SiteNumber s) {
        auto key = run.key_of_site(s);
        // Behind every name.
        return key.starts_with('\n') ? "\x7f" + key : key;
    };
    for (std::uint32_t s = 0; s < run.engine.site_count() && at_most > 0; ++s) {
        const rollout::SiteNumber site{s};
        if (run.engine.members(site).empty()) continue;
        auto name = name_of(site);
        if (!after.empty() && name <= after) continue;
        if (page.size() == at_most && !(name < page.front().first)) continue;
        page.emplace_back(std::move(name), site);
        std::push_heap(page.begin(), page.end(), less);
        if (page.size() <= at_most) continue;
        std::pop_heap(page.begin(), page.end(), less);
        page.pop_back();
    }
    std::sort(page.begin(), page.end(), less);
    std::vector<RolloutSiteView> out;
    for (const auto& [name, site] : page) {
        out.push_back(site_view(run, site));
        out.back().cursor = name;
    }
    return out;
}

// restore_settled has looked at it, or it was made here.
RolloutView Planner::Impl::view(const RolloutRow& over) const {
    auto out = view_of_settled(over);
    return out.has_value() ? std::move(out).value() : RolloutView{};
}

std::vector<RolloutView> Planner::rollouts() const {
    std::vector<RolloutView> out;
    for (const auto& [id, run] : impl_->runs) out.push_back(impl_->view(*run));
    for (const auto& [id, row] : impl_->settled) out.push_back(impl_->view(row));
    std::sort(out.begin(), out.end(), [](const RolloutView& a, const RolloutView& b) {
        return std::tie(a.row.started, a.row.id) < std::tie(b.row.started, b.row.id);
    });
    return out;
}

std::vector<RolloutView> Planner::rollouts(std::string_view after, std::size_t at_most) const {
    std::vector<RolloutView> out;
    auto run = impl_->runs.upper_bound(after);
    auto over = impl_->settled.upper_bound(after);
    while (out.size() < at_most) {
        const bool has_run = run != impl_->runs.end(), has_over = over != impl_->settled.end();
        if (!has_run && !has_over) break;
        if (has_run && (!has_over || run->first < over->first))
            out.push_back(impl_->view(*(run++)->second));
        else
            out.push_back(impl_->view((over++)->second));
    }
    return out;
}

std::vector<RolloutView> Planner::live_rollouts() const {
    std::vector<RolloutView> out;
    for (const auto& [id, run] : impl_->runs)
        if (!run->is_over()) out.push_back(impl_->view(*run));
    return out;
}

std::optional<RolloutView> Planner::rollout(std::string_view id) const {
    if (const auto over = impl_->settled.find(id); over != impl_->settled.end())
        return impl_->view(over->second);
    const auto at = impl_->runs.find(id);
    if (at == impl_->runs.end()) return std::nullopt;
    return impl_->view(*at->second);
}

std::vector<RolloutSiteView> Planner::rollout_sites(std::string_view id, std::string_view after,
                                                    std::size_t at_most) const {
    const auto at = impl_->runs.find(id);
    if (at != impl_->runs.end()) return impl_->sites_of(*at->second, after, at_most);
    const auto over = impl_->settled.find(id);
    if (over == impl_->settled.end()) return {};
    auto out = impl_->view(over->second).sites;
    std::erase_if(out, [&](const auto& site) { return !after.empty() && site.cursor <= after; });
    if (out.size() > at_most) out.resize(at_most);
    return out;
}

std::vector<RolloutDeviceRow> Planner::rollout_devices(std::string_view id, std::string_view after,
                                                       std::size_t at_most) const {
    RolloutDeviceQuery query;
    query.after = after;
    query.at_most = at_most;
    return rollout_devices(id, query);
}

// In the order of the book: who is no member yet, and fits, is shown among the others.
std::vector<RolloutDeviceRow> Planner::rollout_devices(std::string_view id,
                                                       const RolloutDeviceQuery& query) const {
    const auto at = impl_->runs.find(id);
    std::vector<RolloutDeviceRow> out;
    if (at == impl_->runs.end() || query.at_most == 0) return out;
    const auto& run = *at->second;
    const auto& book = impl_->book;
    const bool is_waiting_asked =
        query.state.empty() || query.state == name_of(rollout::State::waiting);
    const auto wants_expected = is_waiting_asked && !run.is_over();
    const auto visit = [&](DeviceIndex d) {
        if (!query.site.empty() && book.site(d) != query.site && !run.find(d)) return true;
        if (const auto m = run.find(d)) {
            const bool is_asked =
                (query.state.empty() || query.state == name_of(run.engine.record(*m).state)) &&
                (query.site.empty() || run.site(*m) == query.site);
            if (is_asked) out.push_back(run.row_of(*m));
        } else if (wants_expected) {
            const auto row = book.row(d);
            if (run.wants(row)) out.push_back(run.face_of_expected(row));
        }
        return out.size() < query.at_most;
    };
    if (run.spec.devices.empty()) {
        book.walk(query.after, visit);
        return out;
    }
    auto names = run.spec.devices;
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    for (const auto& name : names)
        if (const auto d = book.find(name); d && name > query.after && !visit(*d)) break;
    return out;
}

}  // namespace sluice::service
