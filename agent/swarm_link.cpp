#include "agent/swarm_link.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "agent/fetcher.hpp"

namespace sluice::agent {
namespace {

// What the swarm offers matters where the origin is asked: often enough for runs of a few pieces.
constexpr auto kOffersEvery = std::chrono::milliseconds(200);

}  // namespace

struct SwarmLink::Timer {
    boost::asio::steady_timer alarm;
};

SwarmLink::SwarmLink(MembershipParts parts, planning::SwarmTerms terms, Ears ears)
    : parts_(std::move(parts)),
      terms_(std::move(terms)),
      ears_(std::move(ears)),
      timer_(new Timer{boost::asio::steady_timer(parts_.io)}) {
    boost::asio::post(parts_.io, [this, alive = is_alive_] {
        if (*alive) join();
    });
}

SwarmLink::~SwarmLink() {
    *is_alive_ = false;
}

void SwarmLink::join() {
    membership_ = join_swarm(parts_, terms_, *this);
    refresh_offers();
}

void SwarmLink::serve_fetch(Fetcher* fetcher) {
    fetcher_ = fetcher;
    refresh_offers();
}

void SwarmLink::refresh_offers() {
    if (fetcher_ == nullptr || !membership_) return;
    membership_->read_offers(fetcher_->offered());
    timer_->alarm.expires_after(kOffersEvery);
    timer_->alarm.async_wait([this, alive = is_alive_](boost::system::error_code error) {
        if (!error && *alive) refresh_offers();
    });
}

// Before it has joined, the set of verified pieces tells it.
void SwarmLink::came_otherwise(PieceIndex piece) {
    if (membership_) membership_->came_otherwise(piece);
}

void SwarmLink::set_peers(const std::vector<planning::SwarmPeer>& peers) {
    terms_.peers = peers;
    if (membership_) membership_->set_peers(peers);
}

MembershipCounts SwarmLink::counts() const {
    return membership_ ? membership_->counts() : MembershipCounts{};
}

void SwarmLink::on_brought(PieceIndex piece) {
    ears_.on_piece(piece);
    if (fetcher_ != nullptr) fetcher_->brought(piece);
}

void SwarmLink::on_peer_banned(const std::string& address) {
    ears_.on_banned(address);
}

void SwarmLink::on_store_failed(const std::string& why) {
    if (fetcher_ != nullptr) fetcher_->store_failed(why);
}

}  // namespace sluice::agent
