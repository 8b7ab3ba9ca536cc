#pragma once
// What libtorrent is told once about how it has to behave on a site's LAN.

#include <cstdint>
#include <string>

#include "engine/base/bytes.hpp"
#include "engine/image/digest.hpp"
#include "engine/image/piece_layout.hpp"
#include "engine/planning/plan.hpp"

namespace libtorrent {
struct session_params;
}

namespace sluice::agent::swarm {

// More neighbours than this make a swarm no faster, and each costs messages for every piece.
inline constexpr int kMostConnections = 14;

// Fills in settings and IP filter. No discovery of any kind, no tracker, no encryption, no peer but
// those that are named.
void prepare_session(libtorrent::session_params& params, const std::string& address,
                     const planning::SwarmTerms& terms);

// All bytes of a .torrent: the info-dict and, for images of more than one piece, the piece layer.
std::string torrent_file(const image::PieceLayout& layout, const image::Digest& pieces_root,
                         ByteView raw_layer);

}  // namespace sluice::agent::swarm
