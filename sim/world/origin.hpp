#pragma once
// The origin of a simulated world: any web server that has the image and its layer, and answers
// ranges one after the other on each connection.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "sim/world/site.hpp"
#include "sim/world/wire.hpp"

namespace sluice::sim::world {

// Which pieces a misbehaving server spoils: the same ones whenever it is asked.
struct Poison {
    double share = 0;
    std::uint64_t seed = 0;
    std::optional<PieceIndex> from;  // all pieces from here on
    bool hits(PieceIndex piece) const;
};

class Origin final : public Endpoint {
public:
    Origin(Wire& wire, const image::PieceLayout& layout, const Instant& now)
        : wire_(wire), layout_(layout), now_(now) {}

    void set_poison(const Poison& poison) { poison_ = poison; }
    void forget_connections() { served_.clear(); }

    void on_established(ConnectionId) override {}
    void on_refused(ConnectionId) override {}
    void on_answer(ConnectionId, const Answer&) override {}
    void on_bytes(ConnectionId, std::uint32_t) override {}
    void on_segment(ConnectionId, const Segment&) override {}
    void on_request(ConnectionId connection, const Request& request) override;
    void on_sent(ConnectionId connection, std::uint32_t bytes) override;
    void on_closed(ConnectionId connection) override { served_.erase(connection); }

private:
    struct Served {
        std::deque<Request> waiting;  // the front one is being answered
        std::uint64_t left = 0;       // bytes of its body still to go
    };
    void answer_front(ConnectionId connection, Served& served);

    Wire& wire_;
    image::PieceLayout layout_;
    const Instant& now_;
    Poison poison_;
    std::map<ConnectionId, Served> served_;
};

// 32 bytes a piece (DESIGN §5).
inline std::uint32_t layer_bytes(const image::PieceLayout& layout) {
    return 32 * layout.piece_count();
}

}  // namespace sluice::sim::world
