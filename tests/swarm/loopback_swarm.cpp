#include "tests/swarm/loopback_swarm.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>
#include <unistd.h>

#include "agent/swarm/session.hpp"

namespace sluice::agent::swarm {
namespace {

// A part of 127/8 that tests running beside this one do not use.
std::string address_of(std::size_t index) {
    const auto pid = static_cast<unsigned>(getpid());
    return "127." + std::to_string(1 + pid / 250 % 250) + "." + std::to_string(1 + pid % 250) +
           "." + std::to_string(1 + index);
}

// Free on this machine a moment ago.
std::uint16_t free_port() {
    boost::asio::io_context io;
    const boost::asio::ip::tcp::acceptor probe(io,
                                               {boost::asio::ip::make_address(address_of(0)), 0});
    return probe.local_endpoint().port();
}

}  // namespace

Member::Member(LoopbackSwarm& swarm, std::string its_address)
    : address(std::move(its_address)),
      swarm_(swarm),
      verified_(swarm.image.layout.piece_count()),
      worker_(std::make_unique<Worker>()) {
    terms.port = swarm.port;
    auto store = PieceStore::open(*disk_, folder_.path(), swarm.image.id, swarm.image.layout);
    if (!store) throw std::runtime_error(store.error().message);
    store_ = std::move(store).value();
}

Member::~Member() = default;

void Member::meets(const std::vector<Member*>& others) {
    terms.peers.clear();
    for (const auto* other : others)
        if (other != this) terms.peers.push_back({other->address, swarm_.port});
}

void Member::holds(std::uint32_t first, std::uint32_t end) {
    for (PieceIndex p{first}; p.value < end; ++p.value) {
        ASSERT_TRUE(store_->write_piece(p, swarm_.image.piece(p)).has_value());
        verified_.insert(p);
    }
}

void Member::holds_poison() {
    for (PieceIndex p{0}; p.value < verified_.size(); ++p.value) {
        const auto right = swarm_.image.piece(p);
        Bytes wrong(right.begin(), right.end());
        for (std::size_t at = 0; at < wrong.size(); at += image::kLeafLength) wrong[at] ^= 1;
        ASSERT_TRUE(store_->write_piece(p, wrong).has_value());
        verified_.insert(p);
    }
}

void Member::join() {
    const auto layer = std::make_shared<const image::PieceLayer>(swarm_.image.layer());
    boost::asio::post(swarm_.io, [this, layer] {
        membership_ = swarm::join(
            {swarm_.io, *worker_, *store_, swarm_.manifest, layer, verified_, address,
             [this] { return cpu; }, [this](const std::string& line) { log.push_back(line); }},
            terms, *this);
    });
    ASSERT_TRUE(swarm_.run_until([this] { return membership_ != nullptr; })) << log.back();
}

void Member::takes_by_http(PieceIndex piece) {
    ASSERT_TRUE(store_->write_piece(piece, swarm_.image.piece(piece)).has_value());
    verified_.insert(piece);
    boost::asio::post(swarm_.io, [this, piece] { membership_->came_otherwise(piece); });
}

MembershipCounts Member::counts() {
    MembershipCounts counts;
    swarm_.inside([&] { counts = membership_->counts(); });
    return counts;
}

PieceSet Member::offers() {
    PieceSet offered(verified_.size());
    swarm_.inside([&] { membership_->read_offers(offered); });
    return offered;
}

void Member::set_peers(const std::vector<planning::SwarmPeer>& peers) {
    swarm_.inside([&] { membership_->set_peers(peers); });
}

bool Member::is_right() const {
    Bytes bytes(swarm_.image.layout.piece_length);
    for (PieceIndex p{0}; p.value < verified_.size(); ++p.value) {
        if (!has(p)) continue;
        const auto right = swarm_.image.piece(p);
        const std::span<std::uint8_t> into(bytes.data(), right.size());
        if (!store_->read_bytes(swarm_.image.layout.offset_of(p), into)) return false;
        if (!std::equal(right.begin(), right.end(), into.begin())) return false;
    }
    return true;
}

LoopbackSwarm::LoopbackSwarm(std::uint64_t length, std::uint32_t piece_length)
    : image(make_test_image(7, length, piece_length)), port(free_port()) {
    manifest.image = image.id;
    manifest.layout = image.layout;
    manifest.pieces_root = image.root;
}

// Members leave, and their sessions end, while the io_context still runs.
LoopbackSwarm::~LoopbackSwarm() {
    for (auto& member : members_) member->leave();
    io.restart();
    io.run_for(std::chrono::milliseconds(50));
}

Member& LoopbackSwarm::add() {
    members_.push_back(std::make_unique<Member>(*this, address_of(members_.size())));
    return *members_.back();
}

void LoopbackSwarm::join_all() {
    std::vector<Member*> all;
    for (auto& member : members_) all.push_back(member.get());
    for (auto* member : all) {
        member->meets(all);
        member->join();
    }
}

void LoopbackSwarm::inside(const std::function<void()>& act) {
    bool is_done = false;
    boost::asio::post(io, [&] {
        act();
        is_done = true;
    });
    while (!is_done) {
        io.restart();
        io.run_one();
    }
}

bool LoopbackSwarm::run_until(const std::function<bool()>& is_true,
                              std::chrono::milliseconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    io.restart();
    while (!is_true()) {
        if (std::chrono::steady_clock::now() >= deadline) return false;
        io.run_one_until(deadline);
        if (io.stopped()) io.restart();
    }
    return true;
}

}  // namespace sluice::agent::swarm
