#pragma once
// A swarm on loopback: every member has an address of 127/8 of its own, a store, a worker and a
// real libtorrent session; all share one io_context, as an agent's parts do. What is waited for is
// an event, with a deadline that only a fault meets.

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/disk/disk.hpp"
#include "agent/membership.hpp"
#include "tests/agent/store/temporary_folder.hpp"
#include "tests/agent/store/test_image.hpp"

namespace sluice::agent::swarm {

class LoopbackSwarm;

class Member final : public MembershipListener {
public:
    Member(LoopbackSwarm& swarm, std::string address);
    ~Member() override;

    const std::string address;
    planning::SwarmTerms terms;  // port and transport are set; peers are whom it meets
    std::vector<PieceIndex> brought;
    std::vector<std::string> banned, log;
    std::uint32_t cpu = 0;

    void meets(const std::vector<Member*>& others);
    // In the store and verified, before it joins.
    void holds(std::uint32_t first, std::uint32_t end);
    // It says that it has everything, and what it has is wrong.
    void holds_poison();
    void join();
    void leave() { membership_.reset(); }
    // As if HTTP had brought it: written, verified, told.
    void takes_by_http(PieceIndex piece);

    bool has(PieceIndex piece) const { return verified_.contains(piece); }
    std::uint32_t count() const { return verified_.count(); }
    bool is_whole() const { return verified_.is_complete(); }
    // The store's bytes of all verified pieces are the image's.
    bool is_right() const;
    MembershipCounts counts();
    PieceSet offers();
    void set_peers(const std::vector<planning::SwarmPeer>& peers);

private:
    void on_brought(PieceIndex piece) override { brought.push_back(piece); }
    void on_peer_banned(const std::string& peer) override { banned.push_back(peer); }
    void on_store_failed(const std::string& why) override { log.push_back(why); }

    LoopbackSwarm& swarm_;
    TemporaryFolder folder_;
    std::unique_ptr<disk::Disk> disk_ = disk::posix_disk();
    std::unique_ptr<PieceStore> store_;
    PieceSet verified_;
    std::unique_ptr<Worker> worker_;
    std::unique_ptr<Membership> membership_;
};

class LoopbackSwarm {
public:
    explicit LoopbackSwarm(std::uint64_t length = 512 * 1024,
                           std::uint32_t piece_length = 16 * 1024);
    ~LoopbackSwarm();

    Member& add();
    // Every member meets every other, and joins.
    void join_all();
    // Does it where a Membership wants to be asked: inside of the io_context.
    void inside(const std::function<void()>& act);
    // Runs all members until `is_true`; false: the deadline came first.
    bool run_until(const std::function<bool()>& is_true,
                   std::chrono::milliseconds limit = std::chrono::seconds(30));

    const TestImage image;
    image::Manifest manifest;
    boost::asio::io_context io{1};
    const std::uint16_t port;

private:
    std::vector<std::unique_ptr<Member>> members_;
};

}  // namespace sluice::agent::swarm
