#include "engine/split/splitter.hpp"

#include <algorithm>

namespace sluice::split {

Splitter::Splitter(const Settings& settings)
    : settings_(settings),
      activating_{TimedTable<CallKey>(settings.sizes.activating),
                  TimedTable<CallKey>(settings.sizes.activating)},
      reports_{TimedTable<ReportKey>(settings.sizes.reports),
               TimedTable<ReportKey>(settings.sizes.reports)},
      activated_(settings.collectors.size(), TimedTable<IpAddress>(settings.sizes.activated)) {}

std::optional<Packet> Splitter::forward(const Packet& packet, Instant now) {
    std::optional<Connections::Found> found;
    switch (connections_.take(packet, found)) {
        case Connections::Fit::stray:
            return packet;
        case Connections::Fit::belongs: {
            const auto& connection = *found;
            // What leaves is what the other direction's packets look like, seen from behind.
            const auto flow =
                found->is_reply ? connection.original.reversed() : connection.reply.reversed();
            // Rows see both ends as they are: a call before its disguise, a report after its turn.
            const bool is_call = collector_index(connection.original.source).has_value();
            watch(packet, is_call == found->is_reply ? flow : packet.flow, found->is_reply, now);
            return Packet{flow, packet.flags};
        }
        case Connections::Fit::opens:
            break;
    }
    const auto from = packet.flow.source;
    const bool is_report = settings_.is_cpe(from) && !settings_.is_server(from) &&
                           settings_.is_server(packet.flow.destination) &&
                           settings_.is_report_port(packet.flow.destination_port);
    if (is_report && settings_.sizes.connections_per_cpe > 0 &&
        connections_.open_from(from) >= settings_.sizes.connections_per_cpe) {
        add(Count::throttled);
        return std::nullopt;
    }
    const auto flow = route(packet, now);
    const bool is_turned = flow.destination != packet.flow.destination;
    if (!may_begin(packet, flow, is_turned)) return std::nullopt;
    // Before the disguise of a call: rows see the collector.
    watch(packet, Flow{from, flow.source_port, flow.destination, flow.destination_port}, false,
          now);
    connections_.begin(packet, flow.reversed());
    return Packet{flow, packet.flags};
}

// Where the first packet of a connection goes, and as whose.
Flow Splitter::route(const Packet& packet, Instant now) {
    auto flow = packet.flow;
    const bool is_to_itms =
        std::ranges::find(settings_.itms, flow.destination) != settings_.itms.end();
    const bool is_from_cpe = settings_.is_cpe(flow.source) && !settings_.is_server(flow.source);
    if (is_from_cpe && is_to_itms && settings_.is_report_port(flow.destination_port) &&
        has_sign(packet.flags, Sign::syn)) {
        for (std::size_t i = 0; i < settings_.collectors.size(); ++i) {
            if (settings_.collectors[i].is_v4() != flow.source.is_v4()) continue;
            const Seen seen{Leg::knock, flow.source,           flow.source_port,
                            i,          flow.destination_port, packet.flags};
            if (!run_rows(seen, now)) continue;
            flow.destination = settings_.collectors[i];
            return flow;
        }
        add(Count::kept);
    }
    if (collector_index(flow.source) && settings_.is_cpe(flow.destination)) {
        for (const auto& own : settings_.cpe_addresses)
            if (own.is_v4() == flow.source.is_v4()) flow.source = own;
    }
    return flow;
}

bool Splitter::may_begin(const Packet& packet, const Flow& flow, bool is_turned) {
    if (!settings_.is_cpe(packet.flow.source) || settings_.is_server(packet.flow.source))
        return true;
    if (is_turned || !settings_.is_server(flow.destination)) return true;
    const auto port = flow.destination_port;
    const bool is_itms = !collector_index(flow.destination);
    if (is_itms && settings_.is_report_port(port)) return true;
    if (std::ranges::find(settings_.forward_ports, port) != settings_.forward_ports.end())
        return true;
    add(Count::refused);
    return false;
}

// `flow` has the real ends of the packet, CPE and collector.
void Splitter::watch(const Packet& packet, const Flow& flow, bool is_reply, Instant now) {
    const auto from = collector_index(flow.source);
    const auto to = collector_index(flow.destination);
    if (from && settings_.is_cpe(flow.destination)) {
        const auto leg = is_reply ? Leg::answer : Leg::call;
        const auto& ports = settings_.activation_ports;
        if (leg == Leg::call && !ports.empty() &&
            std::ranges::find(ports, flow.destination_port) == ports.end())
            return;
        run_rows(
            {leg, flow.destination, flow.destination_port, *from, flow.source_port, packet.flags},
            now);
    } else if (to && settings_.is_cpe(flow.source)) {
        run_rows({is_reply ? Leg::reply : Leg::report, flow.source, flow.source_port, *to,
                  flow.destination_port, packet.flags},
                 now);
    }
}

bool Splitter::run_rows(const Seen& seen, Instant now) {
    for (const auto& row : rows())
        if (row.applies_in(settings_.mode) && row.is_on(seen.leg) &&
            has_sign(seen.flags, row.sign) && run_row(row, seen, now) && row.turns)
            return true;
    return false;
}

bool Splitter::run_row(const Row& row, const Seen& seen, Instant now) {
    for (std::size_t i = 0; i < row.condition_count; ++i)
        if (is_in(row.conditions[i].table, seen, now) != row.conditions[i].is_in) return false;
    for (const auto& step : row.steps)
        if (!run_step(step, seen, now)) return false;
    if (row.count != Count::none) add(row.count);
    return true;
}

bool Splitter::is_in(Table table, const Seen& seen, Instant now) const {
    const auto family = seen.cpe.is_v4() ? 0u : 1u;
    switch (table) {
        case Table::activating:
            return activating_[family].has(
                {seen.cpe, settings_.collectors[seen.collector], seen.collector_port}, now);
        case Table::activated:
            return activated_[seen.collector].has(seen.cpe, now);
        case Table::elsewhere:
            for (std::size_t i = 0; i < activated_.size(); ++i)
                if (i != seen.collector && activated_[i].has(seen.cpe, now)) return true;
            return false;
        case Table::reports:
            return reports_[family].has({seen.cpe, seen.cpe_port}, now);
    }
    return false;
}

bool Splitter::run_step(const Step& step, const Seen& seen, Instant now) {
    if (step.kind == Step::Kind::none) return true;
    const auto run = [&](auto& table, const auto& key) {
        if (step.kind == Step::Kind::put)
            return table.put(key, now, life_of(settings_.lives, step.life));
        table.remove(key);
        return true;
    };
    const auto family = seen.cpe.is_v4() ? 0u : 1u;
    const auto& collector = settings_.collectors[seen.collector];
    switch (step.table) {
        case Table::activating:
            return run(activating_[family], CallKey{seen.cpe, collector, seen.collector_port});
        case Table::activated:
            return run(activated_[seen.collector], seen.cpe);
        case Table::reports:
            return run(reports_[family], ReportKey{seen.cpe, seen.cpe_port});
        case Table::elsewhere:
            return false;
    }
    return false;
}

std::optional<std::size_t> Splitter::collector_index(const IpAddress& address) const {
    const auto at = std::ranges::find(settings_.collectors, address);
    if (at == settings_.collectors.end()) return std::nullopt;
    return static_cast<std::size_t>(at - settings_.collectors.begin());
}

std::optional<IpAddress> Splitter::collector_of(const IpAddress& cpe, Instant now) const {
    for (std::size_t i = 0; i < activated_.size(); ++i)
        if (activated_[i].has(cpe, now)) return settings_.collectors[i];
    return std::nullopt;
}

std::size_t Splitter::size(Table table, Instant now) {
    std::size_t out = 0;
    switch (table) {
        case Table::activating:
            return activating_[0].size(now) + activating_[1].size(now);
        case Table::reports:
            return reports_[0].size(now) + reports_[1].size(now);
        case Table::activated:
        case Table::elsewhere:
            for (auto& table_of_one : activated_) out += table_of_one.size(now);
    }
    return out;
}

}  // namespace sluice::split
