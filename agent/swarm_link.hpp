#pragma once
// Between one image's swarm and the rest of the agent: joins once the layer is proved, tells the
// fetch under way of each piece that the swarm brought, and the swarm of each that came by HTTP. It
// outlives the fetch: a device that has the image goes on giving.
//
// I/O thread.

#include <functional>
#include <memory>
#include <string>

#include "agent/membership.hpp"

namespace sluice::agent {

class Fetcher;

class SwarmLink final : private MembershipListener {
public:
    struct Ears {
        std::function<void(PieceIndex)> on_piece;  // in the PieceSet now, by the swarm
        std::function<void(const std::string& address)> on_banned;
    };

    // Joins as soon as the io_context runs.
    SwarmLink(MembershipParts parts, planning::SwarmTerms terms, Ears ears);
    ~SwarmLink() override;

    // Whose session hears of pieces, and is told what the swarm offers; null once it is over.
    void serve_fetch(Fetcher* fetcher);
    void came_otherwise(PieceIndex piece);
    void set_peers(const std::vector<planning::SwarmPeer>& peers);
    MembershipCounts counts() const;

private:
    void join();
    void refresh_offers();

    void on_brought(PieceIndex piece) override;
    void on_peer_banned(const std::string& address) override;
    void on_store_failed(const std::string& why) override;

    const MembershipParts parts_;
    planning::SwarmTerms terms_;
    const Ears ears_;
    struct Timer;
    const std::unique_ptr<Timer> timer_;
    std::unique_ptr<Membership> membership_;
    Fetcher* fetcher_ = nullptr;
    std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);  // for what is posted
};

}  // namespace sluice::agent
