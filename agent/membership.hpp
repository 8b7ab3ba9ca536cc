#pragma once
// This device as a member of its site's swarm, for one image. It meets only the peers of the
// Assignment; it says of each piece once that it is verified and written; and it is told of each
// piece that came by HTTP. Decides nothing about sources: which piece comes from which peer is the
// swarm's, everything else engine/transfer's.
//
// What does it is libtorrent, in agent/swarm, and a program may be built without: it then joins
// nothing, and in a swarm site lives by the sources of its Assignment.
//
// I/O thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/piece_store.hpp"
#include "agent/worker.hpp"
#include "engine/base/piece_set.hpp"
#include "engine/image/manifest.hpp"
#include "engine/planning/plan.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::agent {

// Told on the I/O thread; must not destroy the Membership.
class MembershipListener {
public:
    virtual ~MembershipListener() = default;
    // Verified, written, in the PieceSet: may be served.
    virtual void on_brought(PieceIndex piece) = 0;
    // It gave a piece that is proven wrong, and is never talked to again.
    virtual void on_peer_banned(const std::string& address) = 0;
    // Nothing more can be kept.
    virtual void on_store_failed(const std::string& why) = 0;
};

// What is shared with the rest of the agent; all of it outlives the Membership and the last handler
// of `io`.
struct MembershipParts {
    boost::asio::io_context& io;
    Worker& worker;
    PieceStore& store;
    const image::Manifest& manifest;
    std::shared_ptr<const image::PieceLayer> layer;
    PieceSet& verified;
    std::string address;                         // an IP literal: listens and connects from there
    std::function<std::uint32_t()> cpu_percent;  // 0 to 100; none: the gate is never closed
    std::function<void(const std::string& line)> log;
};

struct MembershipCounts {
    std::uint64_t bytes_in = 0;  // payload, wrong and unwanted bytes too
    std::uint64_t bytes_out = 0;
    std::uint64_t duplicate_bytes = 0;  // came although they were there
    std::uint32_t peers = 0;            // connected now
    std::uint16_t port = 0;             // listened on; 0: nobody can connect
};

class Membership {
public:
    // Leaves: connections are closed as the io_context goes on running.
    virtual ~Membership() = default;

    // Verified, written, in the PieceSet, by another way than the swarm.
    virtual void came_otherwise(PieceIndex piece) = 0;
    // The Assignment was fetched again: who is no longer named is dropped.
    virtual void set_peers(const std::vector<planning::SwarmPeer>& peers) = 0;
    // What connected peers say they have; of the image's size.
    virtual void read_offers(PieceSet& offered) const = 0;
    virtual MembershipCounts counts() const = 0;
};

// To be called while the io_context runs. Null, and why in the log, when it cannot be.
std::unique_ptr<Membership> join_swarm(const MembershipParts& parts,
                                       const planning::SwarmTerms& terms,
                                       MembershipListener& listener);

// Whether this program can swarm: what it reports, and whether it heeds an Assignment's section.
bool can_swarm();

// A program's main() says once what does it.
using JoinSwarm = std::unique_ptr<Membership> (*)(const MembershipParts&,
                                                  const planning::SwarmTerms&, MembershipListener&);
void swarm_by(JoinSwarm join);

}  // namespace sluice::agent
