#pragma once
// Who gave which piece: one wrong block spoils a piece, and whoever gave any block of it may be the
// one. Listens where libtorrent takes blocks in.

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>

#include "engine/base/strong.hpp"

namespace libtorrent {
struct torrent_plugin;
}

namespace sluice::agent::swarm {

class Witness {
public:
    void saw(PieceIndex piece, std::string address) {
        givers_[piece.value].insert(std::move(address));
    }
    // And forgets it.
    std::set<std::string> givers_of(PieceIndex piece);

private:
    std::unordered_map<std::uint32_t, std::set<std::string>> givers_;  // of pieces not yet proved
};

std::shared_ptr<libtorrent::torrent_plugin> make_witness_plugin(std::shared_ptr<Witness> witness);

}  // namespace sluice::agent::swarm
