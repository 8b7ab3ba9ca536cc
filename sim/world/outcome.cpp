#include "sim/world/outcome.hpp"

#include <algorithm>

#include "sim/world/world.hpp"

namespace sluice::sim::world {

Instant Outcome::last_finish() const {
    Instant last{};
    for (const auto& host : hosts_) {
        last = std::max(last, host.is_finished ? host.finished_at : Instant::never());
    }
    return last;
}

void Outcome::collect(const World& world) {
    origin_bytes_ = world.wire().sent_by(world.origin());
    for (std::uint32_t h = 0; h < hosts_.size(); ++h) {
        const auto& host = world.host(HostIndex{h});
        const auto count = host.spec().assignment.sources.size();
        hosts_[h].bytes_by_source.clear();
        for (std::size_t s = 0; s < count; ++s) {
            const auto from = host.source(SourceIndex{static_cast<std::uint8_t>(s)});
            hosts_[h].bytes_by_source.push_back(world.wire().received(host.endpoint(), from));
        }
    }
}

Duration Outcome::longest_to_new_source(Instant fault) const {
    Duration longest{};
    for (const auto& host : hosts_) {
        for (const auto& leave : host.leaves) {
            if (leave.at < fault) continue;
            if (leave.next_request == Instant::never()) return Duration::max();
            longest = std::max(longest, leave.next_request - fault);
            break;  // the first one is the fault's own
        }
    }
    return longest;
}

void Outcome::on_boot(const Host& host, Instant) {
    const auto h = host.index().value;
    if (source_of_.size() < hosts_.size()) source_of_.resize(hosts_.size());
    source_of_[h].clear();  // a new session counts its requests anew
    hosts_[h].is_finished = false;
    hosts_[h].pieces_by_source.resize(host.spec().assignment.sources.size());
}

void Outcome::on_event(const Host& host, const transfer::Event& event, Instant) {
    const auto h = host.index().value;
    if (const auto* arrived = std::get_if<transfer::PieceArrived>(&event)) {
        if (host.have().contains(arrived->piece)) ++hosts_[h].repeated_pieces;
    } else if (const auto* proved = std::get_if<transfer::PieceProved>(&event)) {
        if (proved->id.value < source_of_[h].size()) {
            ++hosts_[h].pieces_by_source[source_of_[h][proved->id.value].value];
        }
    }
}

void Outcome::on_action(const Host& host, const transfer::Action& action, Instant now) {
    auto& own = hosts_[host.index().value];
    if (const auto* run = std::get_if<transfer::RequestRun>(&action)) {
        note_request(own, now, run->source);
        auto& sources = source_of_[host.index().value];
        sources.resize(std::max<std::size_t>(sources.size(), run->id.value + 1));
        sources[run->id.value] = run->source;
    } else if (const auto* layer = std::get_if<transfer::RequestLayer>(&action)) {
        note_request(own, now, layer->source);
    } else if (const auto* leave = std::get_if<transfer::LeaveSource>(&action)) {
        own.leaves.push_back({leave->source, leave->why, now, Instant::never()});
    } else if (const auto* ban = std::get_if<transfer::BanSource>(&action)) {
        own.bans.push_back({ban->source, ban->piece, now});
    } else if (std::holds_alternative<transfer::Finish>(action)) {
        own.is_finished = true;
        own.finished_at = now;
    }
}

void Outcome::note_request(HostOutcome& host, Instant now, SourceIndex source) {
    ++host.requests;
    for (auto& leave : host.leaves) {
        if (leave.source != source) leave.next_request = std::min(leave.next_request, now);
    }
}

}  // namespace sluice::sim::world
