#pragma once
// What a connection of the swarm does beside libtorrent: offers first copies and serves them
// (first_copies.hpp), asks neighbours to look again when they were told of a piece, and hangs up on
// who fell silent.

#include <functional>
#include <list>
#include <memory>

#include "agent/swarm/first_copies.hpp"
#include "agent/swarm/incoming_pieces.hpp"

namespace libtorrent {
struct torrent_plugin;
}

namespace sluice::agent::swarm {

// How long a neighbour that owes an answer may say nothing at all: twice the longest that it took
// one lately, for on a slow link answers wait behind others.
class Patience {
public:
    void was_kept_waiting(Duration time);
    Duration limit() const;

private:
    Duration longest_ = std::chrono::milliseconds(750);
};

class Neighbour;

struct Neighbourhood {
    Neighbourhood(boost::asio::io_context& its_io, std::shared_ptr<const IncomingPieces> its_pieces,
                  std::function<void(PieceIndex)> let_go)
        : io(its_io), pieces(std::move(its_pieces)), first_copies(std::move(let_go)) {}

    boost::asio::io_context& io;
    const std::shared_ptr<const IncomingPieces> pieces;
    FirstCopies first_copies;
    Patience patience;
    std::list<Neighbour*> all;    // connected, hands shaken
    bool is_room_for_all = true;  // upload slots: nobody need give way to another
    std::uint64_t bytes_out = 0;  // payload that libtorrent knows nothing of
    // Called a few times a second.
    void look(Instant now);
};

std::shared_ptr<libtorrent::torrent_plugin> make_neighbour_plugin(
    std::shared_ptr<Neighbourhood> neighbourhood);

}  // namespace sluice::agent::swarm
