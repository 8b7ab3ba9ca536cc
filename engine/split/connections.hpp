#pragma once
// TCP connections as a router's connection tracking sees them: both directions of each, and how
// far it is. A connection keeps the way that its first packet was given; only a SYN on one that is
// over begins a new one. The model of what Linux does for us; it forgets nothing by time, for
// the tables' times are far below those of connection tracking.

#include <map>
#include <optional>

#include "engine/split/packet.hpp"

namespace sluice::split {

class Connections {
public:
    enum class State : std::uint8_t {
        syn_sent,
        syn_received,
        established,
        fin_wait,
        close_wait,
        last_ack,
        time_wait,
        closed,
    };
    struct Connection {
        Flow original;  // as its first packet came
        Flow reply;     // as answers come; differs from original.reversed() by translation
        State state = State::syn_sent;
        bool is_closing = false;  // a FIN was seen in time
        // The last packet: an end by its opener, or a SYN that came again.
        bool was_reset = false;
        bool saw_syn_again = false;
        bool has_reply = false;  // was ever answered, by anything but a RST
    };
    struct Found {
        Flow original;
        Flow reply;
        bool is_reply;
    };
    enum class Fit : std::uint8_t {
        opens,    // begins a connection: begin() it
        belongs,  // to `found`
        stray,    // to none, and begins none: forwarded as it is
    };

    // What `packet` is; moves the state of the connection it belongs to.
    Fit take(const Packet& packet, std::optional<Found>& found);
    void begin(const Packet& packet, const Flow& reply);
    // Connections whose opener is `source`, not over, to any of `ports`.
    std::size_t open_from(const IpAddress& source) const;

private:
    struct Place {
        Connection* connection;
        bool is_reply;
    };
    std::optional<Place> find(const Flow& flow);
    void move_to(Connection& connection, State state);
    void forget(Connection connection);

    std::map<Flow, Connection> by_original_;
    std::map<Flow, Flow> original_by_reply_;
    std::map<IpAddress, std::size_t> open_;
};

}  // namespace sluice::split
