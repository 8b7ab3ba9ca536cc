#include "agent/swarm/witness.hpp"

#include <libtorrent/extensions.hpp>
#include <libtorrent/peer_connection_handle.hpp>
#include <libtorrent/peer_request.hpp>

namespace sluice::agent::swarm {
namespace {

class PeerWatch final : public lt::peer_plugin {
public:
    PeerWatch(std::shared_ptr<Witness> witness, std::string address)
        : witness_(std::move(witness)), address_(std::move(address)) {}

    bool on_piece(const lt::peer_request& block, lt::span<const char>) override {
        const auto piece = static_cast<std::uint32_t>(static_cast<int>(block.piece));
        witness_->saw(PieceIndex{piece}, address_);
        return false;  // libtorrent goes on with it
    }

private:
    const std::shared_ptr<Witness> witness_;
    const std::string address_;
};

class TorrentWatch final : public lt::torrent_plugin {
public:
    explicit TorrentWatch(std::shared_ptr<Witness> witness) : witness_(std::move(witness)) {}

    std::shared_ptr<lt::peer_plugin> new_connection(
        const lt::peer_connection_handle& peer) override {
        return std::make_shared<PeerWatch>(witness_, peer.remote().address().to_string());
    }

private:
    const std::shared_ptr<Witness> witness_;
};

}  // namespace

std::set<std::string> Witness::givers_of(PieceIndex piece) {
    auto found = givers_.extract(piece.value);
    return found.empty() ? std::set<std::string>{} : std::move(found.mapped());
}

std::shared_ptr<lt::torrent_plugin> make_witness_plugin(std::shared_ptr<Witness> witness) {
    return std::make_shared<TorrentWatch>(std::move(witness));
}

}  // namespace sluice::agent::swarm
