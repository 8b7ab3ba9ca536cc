#include "engine/split/connections.hpp"

namespace sluice::split {
namespace {

using State = Connections::State;

bool is_over(State state) {
    return state == State::time_wait || state == State::closed;
}

// Nothing: such a packet cannot be in that state.
std::optional<State> after_fin(State state) {
    switch (state) {
        case State::syn_sent:
            return std::nullopt;
        case State::syn_received:
        case State::established:
            return State::fin_wait;
        case State::fin_wait:
        case State::close_wait:
        case State::last_ack:
            return State::last_ack;
        default:
            return state;
    }
}

std::optional<State> after_ack(State state, bool is_reply) {
    switch (state) {
        case State::syn_sent:
            if (is_reply) return state;
            return std::nullopt;
        case State::syn_received:
            return is_reply ? state : State::established;
        case State::fin_wait:
            return State::close_wait;
        case State::last_ack:
            return State::time_wait;
        default:
            return state;
    }
}

bool is_syn(Flags flags) {
    return has_sign(flags, Sign::syn);
}

std::optional<State> after(Flags flags, State state, bool is_reply, bool saw_syn_again) {
    if (flags.rst) return State::closed;
    if (flags.fin) return after_fin(state);
    if (!flags.syn) return after_ack(state, is_reply);
    // Only the opener says SYN, only the other end SYN-ACK.
    if (is_reply != flags.ack) return std::nullopt;
    const bool is_answer = is_reply && (state == State::syn_sent || saw_syn_again);
    return is_answer ? State::syn_received : state;
}

}  // namespace

std::optional<Connections::Place> Connections::find(const Flow& flow) {
    if (const auto at = by_original_.find(flow); at != by_original_.end())
        return Place{&at->second, false};
    if (const auto at = original_by_reply_.find(flow); at != original_by_reply_.end())
        return Place{&by_original_.at(at->second), true};
    return std::nullopt;
}

Connections::Fit Connections::take(const Packet& packet, std::optional<Found>& found) {
    const auto flags = packet.flags;
    const auto place = find(packet.flow);
    if (!place) {
        // A connection in the middle is picked up; an end without a connection is nothing.
        if (has_sign(flags, Sign::end) || has_sign(flags, Sign::syn_ack)) return Fit::stray;
        return Fit::opens;
    }
    auto& connection = *place->connection;
    const bool is_reply = place->is_reply;
    const auto before = connection.state;
    if (is_syn(flags) && !is_reply && is_over(before) &&
        (connection.is_closing || connection.was_reset)) {
        forget(connection);
        return Fit::opens;
    }
    const auto next = after(flags, before, is_reply, connection.saw_syn_again);
    if (!next) return Fit::stray;
    found = Found{connection.original, connection.reply, is_reply};
    // A RST before any answer: there never was a connection.
    if (flags.rst && !connection.has_reply) {
        forget(connection);
        return Fit::belongs;
    }
    if (*next == State::fin_wait && before != State::fin_wait) connection.is_closing = true;
    connection.was_reset = flags.rst && !is_reply;
    connection.saw_syn_again = is_syn(flags);
    connection.has_reply = connection.has_reply || is_reply;
    move_to(connection, *next);
    return Fit::belongs;
}

void Connections::move_to(Connection& connection, State state) {
    if (is_over(state) != is_over(connection.state)) {
        auto& open = open_[connection.original.source];
        open = is_over(state) ? open - 1 : open + 1;
    }
    connection.state = state;
}

void Connections::begin(const Packet& packet, const Flow& reply) {
    Connection connection;
    connection.original = packet.flow;
    connection.reply = reply;
    connection.state = packet.flags.syn ? State::syn_sent : State::established;
    by_original_.insert_or_assign(packet.flow, connection);
    original_by_reply_.insert_or_assign(reply, packet.flow);
    ++open_[packet.flow.source];
}

void Connections::forget(Connection connection) {
    move_to(connection, State::closed);
    original_by_reply_.erase(connection.reply);
    by_original_.erase(connection.original);
}

std::size_t Connections::open_from(const IpAddress& source) const {
    const auto at = open_.find(source);
    return at == open_.end() ? 0 : at->second;
}

}  // namespace sluice::split
