#include "sim/world/world.hpp"

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <map>
#include <string_view>

namespace sluice::sim::world {

std::string describe(const Fault& fault) {
    static constexpr const char* kNames[] = {
        "kill",        "fill_store", "cut_power",   "boot", "link_down", "link_up",
        "serve_wrong", "lie_from",   "serve_right", "rate", "load",      "activate"};
    const auto who = fault.host ? "host " + std::to_string(fault.host->value) : "origin";
    char text[96];
    std::snprintf(text, sizeof text, "%.6f s: %s %s %g",
                  static_cast<double>(fault.at.since_start.count()) / 1e9, who.c_str(),
                  kNames[static_cast<std::size_t>(fault.kind)], fault.value);
    return text;
}

World::World(const SiteSpec& site, const std::vector<Fault>& faults)
    : site_(site), faults_(faults), wire_(queue_, network_, WireParams{}) {
    std::ranges::stable_sort(faults_, {}, &Fault::at);
    build();
}

double World::payload_rate(double bps) const {
    return bps / 8 / site_.costs.header_factor;
}

void World::build() {
    origin_up_ = network_.add_origin(payload_rate(site_.origin_bps));
    std::vector<LinkIndex> aggregations, lines, airs;
    for (const auto bps : site_.aggregations_bps)
        aggregations.push_back(network_.add_aggregation(payload_rate(bps)));
    const auto above = [&](std::size_t line) {
        return aggregations.empty() ? origin_up_ : aggregations[line % aggregations.size()];
    };
    lines.push_back(network_.add_line(payload_rate(site_.access_bps), above(0)));
    for (const auto bps : site_.further_lines_bps)
        lines.push_back(network_.add_line(payload_rate(bps), above(lines.size())));
    origin_ = std::make_unique<Origin>(wire_, site_.layout, now_);
    Path from_origin;
    from_origin.add(origin_up_);
    origin_id_ = wire_.add_endpoint(*origin_, from_origin, Path{}, site_.costs.origin_delay);

    wire_.set_outside(origin_id_);

    for (const auto bps : site_.airs_bps) airs.push_back(network_.add_link(payload_rate(bps)));
    excused_.resize(site_.hosts.size());
    const Surroundings around{queue_, wire_, observers_, now_, site_};
    std::vector<EndpointId> ids;
    for (std::uint32_t h = 0; h < site_.hosts.size(); ++h) {
        const auto& spec = site_.hosts[h];
        up_.push_back(network_.add_link(payload_rate(spec.up_bps)));
        down_.push_back(network_.add_link(payload_rate(spec.down_bps)));
        hosts_.push_back(std::make_unique<Host>(around, HostIndex{h}));
        Path up, down;
        up.add(up_.back());
        down.add(down_.back());
        if (spec.is_on_air) {
            up.add(airs[spec.line]);
            down.add(airs[spec.line]);
        }
        ids.push_back(wire_.add_endpoint(*hosts_.back(), up, down, site_.costs.lan_delay));
        Path line;
        line.add(lines[spec.line]);
        if (!aggregations.empty()) line.add(above(spec.line));
        wire_.set_access(ids.back(), line);
        wire_.set_listening(ids.back(), false);
        queue_.push({Instant{spec.starts_at}, EventType::boot, h, 0});
        ++boots_due_;
    }
    std::map<std::string_view, EndpointId> by_url{{site_.origin_url, origin_id_}};
    for (std::uint32_t h = 0; h < hosts_.size(); ++h) by_url.emplace(site_.hosts[h].url, ids[h]);
    for (std::uint32_t h = 0; h < hosts_.size(); ++h) {
        std::vector<EndpointId> sources;
        for (const auto& source : site_.hosts[h].assignment.sources) {
            const auto at = by_url.find(source.url);
            assert(at != by_url.end() && "a source that is not in the site");
            sources.push_back(at->second);
        }
        hosts_[h]->connect(ids[h], sources);
    }
    for (std::size_t f = 0; f < faults_.size(); ++f) {
        queue_.push({faults_[f].at, EventType::fault, f, 0});
    }
}

void World::add_fault(const Fault& fault) {
    queue_.push({std::max(fault.at, now_), EventType::fault, faults_.size(), 0});
    faults_.push_back(fault);
}

PieceIndex World::piece_at(double share) const {
    return PieceIndex{static_cast<std::uint32_t>(share * site_.layout.piece_count())};
}

Ending World::run(Instant until, std::uint64_t max_events, const std::function<bool()>& stop) {
    while (!is_done()) {
        if (stop && stop()) return Ending::stopped;
        const auto mark = network_.next_mark(now_);
        const auto next = std::min(mark, queue_.next_time());
        if (next > until) {
            now_ = until;
            return Ending::time_up;
        }
        if (++events_ > max_events) return Ending::too_many_events;
        now_ = next;
        // At equal times the bytes come first: what they bring is news to everything else.
        if (mark <= queue_.next_time()) {
            const auto flow = network_.pop_mark(now_);
            last_ = Event{now_, EventType::arrival, flow.value, ~std::uint64_t{0}};
            wire_.on_mark(flow, now_);
        } else {
            last_ = queue_.pop();
            handle(last_);
        }
        observers_.on_step(now_);
    }
    return Ending::all_done;
}

bool World::is_settled(const Host& host) const {
    if (excused_[host.index().value]) return true;
    if (host.is_rebooting()) return false;
    return host.state() == HostState::off || host.state() == HostState::gave_up ||
           (host.state() == HostState::finished && host.is_install_settled());
}

// Asked before every event: one host that is not done answers for all.
bool World::is_done() {
    if (applied_faults_ < faults_.size() || boots_due_ > 0) return false;
    if (unsettled_ < hosts_.size() && !is_settled(*hosts_[unsettled_])) return false;
    const auto at = std::ranges::find_if(hosts_, [this](auto& h) { return !is_settled(*h); });
    unsettled_ = static_cast<std::size_t>(at - hosts_.begin());
    return at == hosts_.end();
}

void World::handle(const Event& event) {
    const auto host = [&]() -> Host& { return *hosts_[event.id]; };
    switch (event.type) {
        case EventType::fault: {
            ++applied_faults_;
            const Fault fault = faults_[event.id];  // who watches may add more of them
            return apply(fault);
        }
        case EventType::arrival:
            return wire_.on_arrival(event);
        case EventType::resume:
            return wire_.on_resume(ConnectionId{static_cast<std::uint32_t>(event.id)}, now_);
        case EventType::worker_done:
            return host().on_worker_done(event.detail);
        case EventType::flush:
            return host().on_flush(event.detail);
        case EventType::boot:
            --boots_due_;
            return host().boot();
        case EventType::install:
            return host().on_install_step(event.detail);
        case EventType::reboot:
            return host().on_reboot(event.detail);
        case EventType::host_timer:
            return host().on_timer();
    }
}

void World::apply(const Fault& fault) {
    observers_.on_fault(fault, now_);
    if (fault.host) {
        apply_to_host(fault, *hosts_[fault.host->value]);
    } else {
        apply_to_origin(fault);
    }
}

void World::apply_to_origin(const Fault& fault) {
    switch (fault.kind) {
        case FaultKind::kill:
            origin_->forget_connections();
            wire_.set_listening(origin_id_, false);
            return wire_.reset_all(origin_id_, now_);
        case FaultKind::fill_store:
            return;  // it only reads
        case FaultKind::cut_power:
            origin_->forget_connections();
            wire_.set_listening(origin_id_, false);
            wire_.forget_all(origin_id_);
            return wire_.set_linked(origin_id_, false, now_);
        case FaultKind::boot:
            wire_.set_listening(origin_id_, true);
            return wire_.set_linked(origin_id_, true, now_);
        case FaultKind::link_down:
            return wire_.set_linked(origin_id_, false, now_);
        case FaultKind::link_up:
            return wire_.set_linked(origin_id_, true, now_);
        case FaultKind::serve_wrong:
            return origin_->set_poison({fault.value, site_.seed, {}});
        case FaultKind::lie_from:
            return origin_->set_poison({0, 0, piece_at(fault.value)});
        case FaultKind::serve_right:
            return origin_->set_poison({});
        case FaultKind::rate:
            return network_.set_capacity(origin_up_, payload_rate(fault.value), now_);
        case FaultKind::load:
        case FaultKind::activate:
            return;  // it has no gate, and nothing to install
    }
}

void World::apply_to_host(const Fault& fault, Host& host) {
    const auto h = host.index().value;
    switch (fault.kind) {
        case FaultKind::kill:
            return host.kill();
        case FaultKind::fill_store:
            return host.fill_store();
        case FaultKind::cut_power:
            host.cut_power();
            return wire_.set_linked(host.endpoint(), false, now_);
        case FaultKind::boot: {
            wire_.set_linked(host.endpoint(), true, now_);
            if (host.is_up()) return;
            const auto& costs = site_.costs;
            const auto kept = static_cast<double>(host.have().count()) * site_.layout.piece_length;
            const Duration hashing(static_cast<Duration::rep>(kept / costs.hash_bytes_per_s * 1e9));
            ++boots_due_;
            return queue_.push({now_ + costs.boot + hashing, EventType::boot, h, 0});
        }
        case FaultKind::link_down:
            return wire_.set_linked(host.endpoint(), false, now_);
        case FaultKind::link_up:
            return wire_.set_linked(host.endpoint(), true, now_);
        case FaultKind::serve_wrong:
            return host.set_poison({fault.value, mix64(site_.seed) + h, {}});
        case FaultKind::lie_from:
            return host.set_poison({0, 0, piece_at(fault.value)});
        case FaultKind::serve_right:
            return host.set_poison({});
        case FaultKind::rate:
            network_.set_capacity(up_[h], payload_rate(fault.value), now_);
            return network_.set_capacity(down_[h], payload_rate(fault.value), now_);
        case FaultKind::load:
            return host.set_load(static_cast<std::uint32_t>(fault.value));
        case FaultKind::activate:
            return host.order_install();
    }
}

}  // namespace sluice::sim::world
