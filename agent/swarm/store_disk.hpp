#pragma once
// libtorrent's disk, which is the agent's piece store: IncomingPieces behind libtorrent's
// interface. One image, so one storage. Its hash jobs end only after the store has verified and
// written the piece; its reads give verified bytes alone.

#include <functional>
#include <memory>

#include "agent/swarm/incoming_pieces.hpp"

namespace libtorrent {
struct disk_interface;
}

namespace sluice::agent::swarm {

struct DiskCalls {
    std::function<void()> on_ready;  // libtorrent has what it was told is there
    std::function<void(PieceIndex)> on_brought;
    // Its digest is wrong; libtorrent hears of it when this returns.
    std::function<void(PieceIndex)> on_wrong;
    std::function<void(const std::string& why)> on_store_failed;
};

std::unique_ptr<libtorrent::disk_interface> make_store_disk(boost::asio::io_context& io,
                                                            std::shared_ptr<IncomingPieces> pieces,
                                                            DiskCalls calls);

}  // namespace sluice::agent::swarm
