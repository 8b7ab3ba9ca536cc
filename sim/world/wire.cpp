#include "sim/world/wire.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

#include "engine/base/overloaded.hpp"

namespace sluice::sim::world {

EndpointId Wire::add_endpoint(Endpoint& endpoint, const Path& up, const Path& down,
                              Duration delay) {
    End added;
    added.shell = &endpoint;
    added.up = up;
    added.down = down;
    added.delay = delay;
    ends_.push_back(std::move(added));
    return EndpointId{static_cast<std::uint32_t>(ends_.size() - 1)};
}

std::uint64_t Wire::received(EndpointId client, EndpointId server) const {
    const auto& from = ends_[client.value].received_from;
    const auto at = from.find(server.value);
    return at == from.end() ? 0 : at->second;
}

double Wire::unreported(Instant now) const {
    double total = 0;
    for (const auto& connection : connections_) {
        if (connection.has_flow) {
            total += network_.progress(connection.flow, now) - connection.reported;
        }
    }
    return total;
}

ConnectionId Wire::open(EndpointId client, EndpointId server, Instant now) {
    const ConnectionId id{static_cast<std::uint32_t>(connections_.size())};
    connections_.emplace_back();
    connections_.back().client = client;
    connections_.back().server = server;
    join(id);
    if (!is_path_up(at(id))) stall(id, now);
    post(id, false, Syn{}, now);
    return id;
}

void Wire::request(ConnectionId id, const Request& request, Instant now) {
    auto& connection = at(id);
    if (connection.phase == Phase::opening) {
        connection.unsent.push_back(request);
    } else if (connection.phase == Phase::open) {
        post(id, false, request, now);
    }
}

void Wire::answer(ConnectionId id, const Answer& answer, Instant now) {
    if (at(id).phase == Phase::open) post(id, true, answer, now);
}

void Wire::push(ConnectionId id, const Segment& segment, Instant now) {
    auto& connection = at(id);
    if (connection.phase != Phase::open) return;
    assert(segment.bytes > 0);
    if (!connection.has_flow) {
        auto path = end(connection.server).up;
        if (end(connection.server).is_outside)
            for (const auto link : end(connection.client).access.all()) path.add(link);
        for (const auto link : end(connection.client).down.all()) path.add(link);
        connection.flow = network_.open(path, params_.flow_cap);
        connection.has_flow = true;
        if (connection.is_stalled) network_.set_paused(connection.flow, true, now);
        if (of_flow_.size() <= connection.flow.value) of_flow_.resize(connection.flow.value + 1);
        of_flow_[connection.flow.value] = id;
    }
    connection.outgoing.push_back(segment);
    network_.push(connection.flow, segment.bytes, now);
}

void Wire::close(ConnectionId id, EndpointId by, Instant now) {
    auto& connection = at(id);
    if (connection.phase == Phase::closed) return;
    const bool is_by_client = by == connection.client;
    const bool is_heard =
        !(is_by_client ? connection.is_forgotten_by_server : connection.is_forgotten_by_client);
    // The other end hears it as soon as the link allows; nothing else of the connection is left.
    const bool is_path_free = is_path_up(connection) && !connection.is_stalled;
    finish(id, now);
    if (is_heard && is_path_free) {
        post(id, !is_by_client, Closed{}, now);
    } else if (is_heard) {
        // The end that hears nothing keeps a connection that nobody answers on.
        (is_by_client ? connection.is_forgotten_by_client : connection.is_forgotten_by_server) =
            true;
        connection.phase = Phase::open;
        connection.is_stalled = true;
        join(id);
    }
}

void Wire::set_linked(EndpointId endpoint, bool is_linked, Instant now) {
    if (end(endpoint).is_linked == is_linked) return;
    end(endpoint).is_linked = is_linked;
    for (const auto id : connections_of(endpoint)) {
        if (!is_linked) {
            stall(id, now);
        } else if (is_path_up(at(id))) {
            schedule_resume(id, now);
        }
    }
}

void Wire::set_listening(EndpointId endpoint, bool is_listening) {
    end(endpoint).is_listening = is_listening;
}

void Wire::reset_all(EndpointId endpoint, Instant now) {
    for (const auto id : connections_of(endpoint)) close(id, endpoint, now);
}

void Wire::forget_all(EndpointId endpoint) {
    for (const auto id : connections_of(endpoint)) {
        auto& connection = at(id);
        (connection.client == endpoint ? connection.is_forgotten_by_client
                                       : connection.is_forgotten_by_server) = true;
    }
}

void Wire::on_arrival(const Event& event) {
    const auto slot = static_cast<std::uint32_t>(event.detail);
    const auto packet = packets_[slot];
    free_packets_.push_back(slot);
    arrive(packet, event.at);
}

void Wire::on_resume(ConnectionId id, Instant now) {
    auto& connection = at(id);
    if (connection.phase == Phase::closed || !connection.is_stalled || !is_path_up(connection)) {
        return;
    }
    connection.is_stalled = false;
    if (reset_if_forgotten(id, now)) return;
    if (connection.has_flow) network_.set_paused(connection.flow, false, now);
    auto held = std::move(connection.held);
    connection.held.clear();
    for (auto& packet : held) post(id, packet.is_to_client, std::move(packet.payload), now);
}

void Wire::notice(ConnectionId id, Instant now) {
    auto& connection = at(id);
    if (connection.phase != Phase::open || connection.is_stalled || connection.outgoing.empty())
        return;
    const auto gone = static_cast<std::uint32_t>(network_.progress(connection.flow, now));
    // The end of a segment is told with it.
    if (gone <= connection.reported || gone >= connection.outgoing.front().bytes) return;
    const auto news = gone - std::exchange(connection.reported, gone);
    const auto client = connection.client, server = connection.server;
    left(connection, news);
    if (connection.is_forgotten_by_client) {
        lose(news);
    } else {
        got(connection, news);
        end(client).shell->on_bytes(id, news);
    }
    const auto& after = at(id);  // the client may have closed it
    if (after.phase == Phase::open && !after.is_forgotten_by_server)
        end(server).shell->on_sent(id, news);
}

void Wire::on_mark(FlowId flow, Instant now) {
    const auto id = of_flow_[flow.value];
    auto& connection = at(id);
    const auto segment = connection.outgoing.front();
    const auto news = segment.bytes - connection.reported;
    connection.outgoing.pop_front();
    connection.reported = 0;
    left(connection, news);
    post(id, true, Whole{segment, news}, now);
    const auto server = connection.server;
    if (!connection.is_forgotten_by_server) end(server).shell->on_sent(id, news);
}

bool Wire::is_path_up(const Connection& connection) const {
    return ends_[connection.client.value].is_linked && ends_[connection.server.value].is_linked;
}

void Wire::post(ConnectionId id, bool is_to_client, Payload payload, Instant now) {
    const auto& connection = at(id);
    const Packet packet{id, is_to_client, std::move(payload)};
    std::uint32_t slot = 0;
    if (free_packets_.empty()) {
        slot = static_cast<std::uint32_t>(packets_.size());
        packets_.push_back(packet);
    } else {
        slot = free_packets_.back();
        free_packets_.pop_back();
        packets_[slot] = packet;
    }
    const auto delay = end(connection.client).delay + end(connection.server).delay;
    queue_.push({now + delay, EventType::arrival, next_sequence_++, slot});
}

void Wire::arrive(const Packet& packet, Instant now) {
    const auto id = packet.connection;
    {
        auto& connection = at(id);
        if (std::holds_alternative<Closed>(packet.payload)) {
            const auto to = packet.is_to_client ? connection.client : connection.server;
            const bool is_forgotten = packet.is_to_client ? connection.is_forgotten_by_client
                                                          : connection.is_forgotten_by_server;
            if (!is_forgotten) end(to).shell->on_closed(id);
            return;
        }
        if (connection.phase == Phase::closed) return drop_packet(packet);
        if (connection.is_stalled) {
            connection.held.push_back(packet);
            return;
        }
        if (reset_if_forgotten(id, now)) return drop_packet(packet);
    }
    const auto client = at(id).client;
    const auto server = at(id).server;
    auto& client_shell = *end(client).shell;
    std::visit(Overloaded{
                   [&](const Syn&) {
                       if (end(server).is_listening) {
                           post(id, true, Established{}, now);
                       } else {
                           post(id, true, Refused{}, now);
                       }
                   },
                   [&](const Established&) {
                       at(id).phase = Phase::open;
                       client_shell.on_established(id);
                       // The shell may have closed it.
                       if (at(id).phase != Phase::open) return;
                       const auto unsent = std::move(at(id).unsent);
                       at(id).unsent.clear();
                       for (const auto& request : unsent) post(id, false, request, now);
                   },
                   [&](const Refused&) {
                       finish(id, now);
                       client_shell.on_refused(id);
                   },
                   [&](const Request& request) { end(server).shell->on_request(id, request); },
                   [&](const Answer& answer) { client_shell.on_answer(id, answer); },
                   [&](const Whole& whole) {
                       got(at(id), whole.unreported);
                       client_shell.on_bytes(id, whole.unreported);
                       if (at(id).phase == Phase::open) client_shell.on_segment(id, whole.segment);
                   },
                   [&](const Closed&) {},
               },
               packet.payload);
}

void Wire::stall(ConnectionId id, Instant now) {
    if (at(id).is_stalled) return;
    notice(id, now);
    auto& connection = at(id);
    if (connection.phase == Phase::closed) return;
    connection.is_stalled = true;
    connection.stalled_since = now;
    if (connection.has_flow) network_.set_paused(connection.flow, true, now);
}

// TCP tries again at doubling distances from when the silence began; the first try after the link
// is back gets through.
void Wire::schedule_resume(ConnectionId id, Instant now) {
    const auto& connection = at(id);
    if (!connection.is_stalled) return;
    auto rto = connection.phase == Phase::opening ? params_.first_syn_rto : params_.first_rto;
    auto due = connection.stalled_since + rto;
    while (due < now) {
        rto = std::min(2 * rto, params_.longest_rto);
        due = due + rto;
    }
    queue_.push({due, EventType::resume, id.value, 0});
}

bool Wire::reset_if_forgotten(ConnectionId id, Instant now) {
    auto& connection = at(id);
    if (!connection.is_forgotten_by_client && !connection.is_forgotten_by_server) return false;
    const bool is_to_client = !connection.is_forgotten_by_client;
    const bool is_nobody_left =
        connection.is_forgotten_by_client && connection.is_forgotten_by_server;
    finish(id, now);
    if (!is_nobody_left) post(id, is_to_client, Closed{}, now);
    return true;
}

void Wire::drop_packet(const Packet& packet) {
    if (const auto* whole = std::get_if<Whole>(&packet.payload)) lose(whole->unreported);
}

// Ends the connection here and now; bytes that had crossed the links are counted where they got.
void Wire::finish(ConnectionId id, Instant now) {
    auto& connection = at(id);
    if (connection.has_flow) {
        if (!connection.outgoing.empty()) {
            const auto gone = std::min(
                static_cast<std::uint32_t>(std::llround(network_.progress(connection.flow, now))),
                connection.outgoing.front().bytes);
            const auto news = gone - std::min(gone, connection.reported);
            left(connection, news);
            if (is_path_up(connection) && !connection.is_forgotten_by_client) {
                got(connection, news);
            } else {
                lose(news);
            }
        }
        network_.close(connection.flow, now);
        ++ended_;
        connection.has_flow = false;
    }
    for (const auto& packet : connection.held) drop_packet(packet);
    connection.held.clear();
    connection.outgoing.clear();
    connection.unsent.clear();
    connection.reported = 0;
    connection.is_stalled = false;
    connection.phase = Phase::closed;
    leave(connection.client, connection.at_client);
    leave(connection.server, connection.at_server);
}

void Wire::join(ConnectionId id) {
    for (const auto endpoint : {at(id).client, at(id).server}) {
        auto& alive = end(endpoint).alive;
        place_at(endpoint, at(id)) = static_cast<std::uint32_t>(alive.size());
        alive.push_back(id);
    }
}

void Wire::leave(EndpointId endpoint, std::uint32_t place) {
    auto& alive = end(endpoint).alive;
    alive[place] = alive.back();
    place_at(endpoint, at(alive[place])) = place;
    alive.pop_back();
}

std::uint32_t& Wire::place_at(EndpointId endpoint, Connection& connection) {
    return endpoint == connection.client ? connection.at_client : connection.at_server;
}

// In the order in which they were opened.
std::vector<ConnectionId> Wire::connections_of(EndpointId endpoint) const {
    auto out = ends_[endpoint.value].alive;
    std::ranges::sort(out);
    return out;
}

void Wire::left(Connection& connection, std::uint32_t bytes) {
    bytes_.sent += bytes;
    bytes_.in_flight += bytes;
    end(connection.server).sent += bytes;
}

void Wire::lose(std::uint32_t bytes) {
    bytes_.in_flight -= bytes;
    bytes_.lost += bytes;
}

void Wire::got(Connection& connection, std::uint32_t bytes) {
    bytes_.in_flight -= bytes;
    bytes_.received += bytes;
    end(connection.client).received_from[connection.server.value] += bytes;
}

}  // namespace sluice::sim::world
