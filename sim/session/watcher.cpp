#include "sim/session/watcher.hpp"

#include <cmath>

namespace sluice::sim::session {
namespace {

using flow::kFromOrigin;
using flow::kNotDone;
using world::FaultKind;
using world::HostIndex;

Duration duration(double seconds) {
    return Duration(static_cast<Duration::rep>(std::llround(seconds * 1e9)));
}
double seconds(Instant at) {
    return std::chrono::duration<double>(at.since_start).count();
}

}  // namespace

Watcher::Watcher(const scenario::Scenario& s, const flow::Population& population,
                 const flow::Plans& plans, flow::Outcome& out)
    : s_(s),
      population_(population),
      out_(out),
      cpu_(s, population),
      parent_(population.size(), kFromOrigin),
      children_left_(population.size()),
      others_left_(population.sites()),
      is_excused_(population.size()),
      to_run_(population.size()) {
    for (std::uint32_t g = 0; g < plans.groups(); ++g)
        for (std::uint32_t rank = 0; rank < plans.size(g); ++rank) {
            const auto place = plans.first_member[g] + rank;
            const auto parent = plans.parent(place);
            if (parent == kFromOrigin) continue;
            const auto serves = plans.member[plans.first_member[g] + parent];
            parent_[plans.member[place]] = serves;
            ++children_left_[serves];
        }
    for (std::uint32_t site = 0; site < population.sites(); ++site)
        others_left_[site] = population.first_device[site + 1] - population.first_device[site] - 1;
}

void Watcher::watch(world::World& world) {
    world_ = &world;
    for (std::uint32_t d = 0; d < population_.size(); ++d)
        if (cpu_.is_ever_over_gate(d))
            world.add_fault({Instant{}, FaultKind::load, HostIndex{d},
                             static_cast<double>(cpu_.percent(d, 0))});
    world.add(*this);
}

bool Watcher::is_gateway(std::uint32_t host) const {
    return host == population_.first_device[population_.site[host]];
}

void Watcher::excuse(std::uint32_t host) {
    world_->excuse(HostIndex{host});
    if (is_excused_[host]) return;
    is_excused_[host] = true;
    --to_run_;
    if (!is_gateway(host)) --others_left_[population_.site[host]];
}

// --- what the scenario does -------------------------------------------------------------------

void Watcher::on_fault(const world::Fault& fault, Instant now) {
    if (fault.kind != FaultKind::load) return;
    const auto d = fault.host->value;
    const auto next = cpu_.next_change(d, seconds(now));
    if (next != kNotDone)
        world_->add_fault({Instant{duration(next)}, FaultKind::load, *fault.host,
                           static_cast<double>(cpu_.percent(d, next))});
}

void Watcher::die(const world::Host& host, Instant now) {
    const auto how =
        s_.death_kind == scenario::DeathKind::power ? FaultKind::cut_power : FaultKind::kill;
    world_->add_fault({now, how, host.index(), 0});
    if (s_.death_returns > 0)
        world_->add_fault({now + duration(s_.death_returns), FaultKind::boot, host.index(), 0});
}

void Watcher::on_boot(const world::Host& host, Instant now) {
    if (host.runs_new_image()) return note_running(host.index().value, now);
    const auto at = kills_.find(host.index().value);
    if (at == kills_.end() || at->second > 0) return;
    kills_.erase(at);
    die(host, now);
}

// Those that are served first, a site's gateway last, drain_max at most (DESIGN §5).
void Watcher::order_if_due(std::uint32_t host, Instant now) {
    if (out_.done_at[host] == kNotDone || children_left_[host] > 0) return;
    if (is_gateway(host) && others_left_[population_.site[host]] > 0) return;
    order_at(host, now);
}

void Watcher::order_at(std::uint32_t host, Instant at) {
    world_->add_fault({at, FaultKind::activate, HostIndex{host}, 0});
}

// --- what came of it --------------------------------------------------------------------------

void Watcher::note_done(std::uint32_t host, Instant now) {
    if (out_.done_at[host] != kNotDone) return;  // it has rebooted since
    out_.done_at[host] = seconds(now);
    const bool waits = children_left_[host] > 0 || is_gateway(host);
    if (waits) order_at(host, now + duration(s_.drain_max));
    order_if_due(host, now);
    if (const auto parent = parent_[host]; parent != kFromOrigin) {
        --children_left_[parent];
        order_if_due(parent, now);
    }
}

void Watcher::note_running(std::uint32_t host, Instant now) {
    if (out_.active_at[host] != kNotDone) return;
    out_.active_at[host] = seconds(now);
    if (!is_excused_[host]) --to_run_;
    const auto site = population_.site[host];
    if (is_gateway(host)) return;
    if (!is_excused_[host]) --others_left_[site];
    order_if_due(population_.first_device[site], now);
}

void Watcher::on_event(const world::Host& host, const transfer::Event& event, Instant now) {
    if (const auto* arrived = std::get_if<transfer::PieceArrived>(&event))
        note_arrival(host, *arrived, seconds(now));
    if (std::holds_alternative<transfer::PieceRefused>(event)) {
        const auto& refused = std::get<transfer::PieceRefused>(event);
        out_.wasted_bits += 8.0 * host.layout().size_of(refused.piece);
    }
    if (kills_.empty() || !std::holds_alternative<transfer::PieceProved>(event)) return;
    const auto at = kills_.find(host.index().value);
    if (at == kills_.end() || host.have().count() != at->second) return;
    kills_.erase(at);
    die(host, now);
}

void Watcher::on_action(const world::Host& host, const transfer::Action& action, Instant now) {
    if (std::holds_alternative<transfer::Finish>(action))
        note_done(host.index().value, now);
    else if (std::holds_alternative<transfer::LeaveSource>(action))
        ++out_.lost_sources;
    else if (const auto* run = std::get_if<transfer::RequestRun>(&action))
        note_request(host, *run, seconds(now));
}

void Watcher::on_action(const world::Host&, const serving::Action& action, Instant) {
    const auto* refused = std::get_if<serving::Refuse>(&action);
    out_.turned_away += refused != nullptr && refused->why == serving::Refusal::cpu_busy;
}

void Watcher::note_request(const world::Host& host, const transfer::RequestRun& run, double now) {
    if (!host.is_origin(run.source)) return;
    const auto h = host.index().value;
    if (host.spec().assignment.sources.size() > 1 && origin_since_.count(h) == 0 &&
        host.have().count() > 0)
        ++out_.origin_fallbacks;
    from_origin_.insert({h, run.id.value});
    origin_since_.try_emplace(h, now);
}

// Spread over the time since its piece before.
void Watcher::note_arrival(const world::Host& host, const transfer::PieceArrived& arrived,
                           double now) {
    const auto h = host.index().value;
    if (!from_origin_.contains({h, arrived.id.value})) return;
    auto& since = origin_since_[h];
    const auto bits = 8.0 * host.layout().size_of(arrived.piece);
    if (now > since) out_.origin_payload.add(since, now, bits / (now - since));
    since = now;
}

}  // namespace sluice::sim::session
