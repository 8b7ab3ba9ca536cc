#pragma once
// Connections between the endpoints of one site, as TCP and HTTP/1.1 give them: set-up of one round
// trip, messages in order with a one-way delay, bodies as segments that share the links max-min.
// What a dead link does to TCP is here too: nothing is lost, everything waits for the next
// retransmission; who forgot a connection resets it when the other end speaks again.

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <variant>
#include <vector>

#include "engine/base/piece_set.hpp"
#include "engine/base/strong.hpp"
#include "engine/base/time.hpp"
#include "sim/world/event_queue.hpp"
#include "sim/world/flow_network.hpp"

namespace sluice::sim::world {

using EndpointId = Strong<struct EndpointIdTag, std::uint32_t>;
using ConnectionId = Strong<struct ConnectionIdTag, std::uint32_t>;  // never used again

// What a client asks of a source. `tag` is the client's own and comes back with nothing.
struct Request {
    enum class Kind : std::uint8_t { layer, run, have };
    Kind kind = Kind::run;
    PieceRun run;
    std::uint32_t after = 0;          // have
    std::uint32_t known_boot_id = 0;  // have
};
struct Answer {
    enum class Status : std::uint8_t { ok, busy, not_found, have };
    Status status = Status::ok;
    std::uint32_t retry_after_s = 0;  // busy
    std::uint32_t boot_id = 0;        // have
    std::uint32_t count = 0;          // have
};
// A part of a body that the receiver can check as one: a piece, a layer, or a part of a piece. The
// payload is one bit, carried from whoever spoilt it to whoever looks.
struct Segment {
    PieceIndex piece;
    std::uint32_t bytes = 0;
    bool is_last_of_piece = true;
    bool is_tainted = false;
};

// What a shell hears. Nothing is heard of a connection after on_closed, or after its own close().
class Endpoint {
public:
    virtual ~Endpoint() = default;
    // As a client.
    virtual void on_established(ConnectionId connection) = 0;
    virtual void on_refused(ConnectionId connection) = 0;
    virtual void on_answer(ConnectionId connection, const Answer& answer) = 0;
    virtual void on_bytes(ConnectionId connection, std::uint32_t bytes) = 0;
    virtual void on_segment(ConnectionId connection, const Segment& segment) = 0;
    // As a server.
    virtual void on_request(ConnectionId connection, const Request& request) = 0;
    virtual void on_sent(ConnectionId connection, std::uint32_t bytes) = 0;
    // As either.
    virtual void on_closed(ConnectionId connection) = 0;
};

struct WireParams {
    Duration first_rto = 200ms;  // TCP's retransmission, doubling (RFC 6298; Linux' minimum)
    Duration first_syn_rto = 1s;
    Duration longest_rto = 120s;
    double flow_cap = 1e15;  // bytes/s one connection can carry
};

struct ByteCounts {
    std::uint64_t sent = 0;       // left a server
    std::uint64_t received = 0;   // reached a client that lives
    std::uint64_t lost = 0;       // on a connection that ended before they arrived
    std::uint64_t in_flight = 0;  // left, not yet arrived
};

class Wire {
public:
    Wire(EventQueue& queue, FlowNetwork& network, const WireParams& params)
        : queue_(queue), network_(network), params_(params) {}

    // `up` and `down` are the links its bytes cross on the way out and in; `delay` its part of the
    // one-way delay. The endpoint outlives the wire's last event.
    EndpointId add_endpoint(Endpoint& endpoint, const Path& up, const Path& down, Duration delay);

    // Its bytes cross the access line of whoever asks for them.
    void set_outside(EndpointId server) { ends_[server.value].is_outside = true; }
    void set_access(EndpointId client, const Path& line) { ends_[client.value].access = line; }

    ConnectionId open(EndpointId client, EndpointId server, Instant now);
    void request(ConnectionId connection, const Request& request, Instant now);
    void answer(ConnectionId connection, const Answer& answer, Instant now);
    void push(ConnectionId connection, const Segment& segment, Instant now);
    // Both ends hear of what has crossed of the segment under way. A shell asks for it before it
    // decides anything that such bytes could change, most of all before it calls an end silent:
    // that is exact, and costs nothing while nobody decides. A stall says it by itself.
    void notice(ConnectionId connection, Instant now);
    // The other end hears on_closed; what is under way is lost.
    void close(ConnectionId connection, EndpointId by, Instant now);

    // The cable is out, or in again.
    void set_linked(EndpointId endpoint, bool is_linked, Instant now);
    // Whether somebody accepts connections there.
    void set_listening(EndpointId endpoint, bool is_listening);
    // The process died and its kernel says so to every other end.
    void reset_all(EndpointId endpoint, Instant now);
    // The power died: nobody says anything.
    void forget_all(EndpointId endpoint);

    // The queue's arrival and resume events, and the network's marks, go here.
    void on_arrival(const Event& event);
    void on_resume(ConnectionId connection, Instant now);
    void on_mark(FlowId flow, Instant now);

    const ByteCounts& bytes() const { return bytes_; }
    std::uint64_t received(EndpointId client, EndpointId server) const;
    // Bytes of segments under way that neither end has been told of, and how many connections have
    // ended (each of them in whole bytes): for the conservation oracle.
    double unreported(Instant now) const;
    double ended() const { return static_cast<double>(ended_); }
    std::uint64_t sent_by(EndpointId server) const { return ends_[server.value].sent; }

private:
    struct Established {};
    struct Refused {};
    struct Syn {};
    struct Closed {};
    struct Whole {
        Segment segment;
        std::uint32_t unreported;
    };
    using Payload = std::variant<Syn, Established, Refused, Request, Answer, Whole, Closed>;
    struct Packet {
        ConnectionId connection;
        bool is_to_client = false;
        Payload payload;
    };
    struct End {
        Endpoint* shell = nullptr;
        Path up, down;
        Path access;  // crossed by what comes from outside the site
        bool is_outside = false;
        Duration delay{};
        bool is_linked = true;
        bool is_listening = true;
        std::uint64_t sent = 0;
        std::map<std::uint32_t, std::uint64_t> received_from;  // by endpoint
        std::vector<ConnectionId> alive;
    };
    enum class Phase : std::uint8_t { opening, open, closed };
    struct Connection {
        EndpointId client, server;
        Phase phase = Phase::opening;
        bool has_flow = false;
        bool is_stalled = false;
        bool is_forgotten_by_client = false;
        bool is_forgotten_by_server = false;
        FlowId flow;
        Instant stalled_since;
        std::uint32_t reported = 0;   // bytes of the front segment both ends know of
        std::uint32_t at_client = 0;  // its place among those alive there
        std::uint32_t at_server = 0;
        std::deque<Segment> outgoing;
        std::deque<Packet> held;      // waiting for the link
        std::vector<Request> unsent;  // waiting for the set-up
    };

    Connection& at(ConnectionId id) { return connections_[id.value]; }
    End& end(EndpointId id) { return ends_[id.value]; }
    bool is_path_up(const Connection& connection) const;
    void post(ConnectionId id, bool is_to_client, Payload payload, Instant now);
    void arrive(const Packet& packet, Instant now);
    void stall(ConnectionId id, Instant now);
    void schedule_resume(ConnectionId id, Instant now);
    bool reset_if_forgotten(ConnectionId id, Instant now);
    void drop_packet(const Packet& packet);
    void finish(ConnectionId id, Instant now);
    void join(ConnectionId id);
    void leave(EndpointId endpoint, std::uint32_t place);
    std::uint32_t& place_at(EndpointId endpoint, Connection& connection);
    std::vector<ConnectionId> connections_of(EndpointId endpoint) const;
    void left(Connection& connection, std::uint32_t bytes);
    void got(Connection& connection, std::uint32_t bytes);
    void lose(std::uint32_t bytes);

    EventQueue& queue_;
    FlowNetwork& network_;
    WireParams params_;
    std::vector<End> ends_;
    std::vector<Connection> connections_;
    std::vector<ConnectionId> of_flow_;
    std::vector<Packet> packets_;
    std::vector<std::uint32_t> free_packets_;
    std::uint64_t next_sequence_ = 0;
    std::uint64_t ended_ = 0;
    ByteCounts bytes_;
};

}  // namespace sluice::sim::world
