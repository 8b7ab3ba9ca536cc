#include "agent/swarm/session.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <libtorrent/add_torrent_params.hpp>
#include <libtorrent/alert_types.hpp>
#include <libtorrent/ip_filter.hpp>
#include <libtorrent/peer_class.hpp>
#include <libtorrent/session.hpp>
#include <libtorrent/session_params.hpp>
#include <libtorrent/torrent_handle.hpp>
#include <libtorrent/torrent_info.hpp>
#include <libtorrent/torrent_status.hpp>
#include <list>
#include <optional>
#include <set>

#include "agent/clock.hpp"
#include "agent/swarm/incoming_pieces.hpp"
#include "agent/swarm/neighbour.hpp"
#include "agent/swarm/peer_filter.hpp"
#include "agent/swarm/session_settings.hpp"
#include "agent/swarm/store_disk.hpp"
#include "agent/swarm/witness.hpp"

// A session reads the system's certificates, for trackers that there are none of: 40 ms and 2 MiB
// that a device feels. In a program that swarms only libtorrent asks by this name, and learns of
// none; our own client asks its store (engine/net/client_tls.cpp).
struct ssl_ctx_st;
extern "C" int SSL_CTX_set_default_verify_paths(ssl_ctx_st* /*context*/) {
    return 1;
}

namespace sluice::agent::swarm {
namespace {

constexpr auto kCpuSampleEvery = std::chrono::seconds(1);
constexpr auto kLooksEvery = std::chrono::milliseconds(100);
constexpr int kLooksForPeersEvery = 5;    // looks
constexpr int kReconnectsWhenWhole = 10;  // seconds, times failures
// A session that was shut down still has handlers on their way, those of uTP for a while.
constexpr auto kLingers = std::chrono::seconds(30);

// What stands for the bytes of a piece that the store has already: libtorrent hands them to the
// disk, which knows better and does not look. Never touched, so never in memory.
const std::array<char, image::kMaxPieceLength> kInTheStore{};

lt::piece_index_t theirs(PieceIndex piece) {
    return lt::piece_index_t(static_cast<int>(piece.value));
}

lt::typed_bitfield<lt::piece_index_t> bits_of(const PieceSet& pieces) {
    lt::typed_bitfield<lt::piece_index_t> bits(static_cast<int>(pieces.size()), false);
    for (PieceIndex p{0}; p.value < pieces.size(); ++p.value)
        if (pieces.contains(p)) bits.set_bit(theirs(p));
    return bits;
}

// Held by its owner alone; libtorrent's and the timer's calls find it by weak_ptr.
struct Session : std::enable_shared_from_this<Session> {
    Session(const MembershipParts& its_parts, const planning::SwarmTerms& its_terms,
            MembershipListener& its_listener)
        : parts(its_parts),
          terms(its_terms),
          listener(its_listener),
          pieces(std::make_shared<IncomingPieces>(
              IncomingPieces::Parts{parts.io, parts.worker, parts.store, parts.layer,
                                    parts.verified},
              terms.memory_bytes)),
          cpu_timer(parts.io),
          look_timer(parts.io) {}

    void start();
    void add_torrent();
    void bind_rates();
    void came_otherwise(PieceIndex piece);
    void on_ready();
    void on_alerts();
    void on_wrong(PieceIndex piece);
    void admit(const std::set<std::string>& but_not = {});
    void look_for_peers(const std::vector<planning::SwarmPeer>& peers);
    void look_around();
    void be_whole();
    void watch_cpu();
    void leave();
    void set_peers(const std::vector<planning::SwarmPeer>& peers);
    void read_offers(PieceSet& offered) const;
    MembershipCounts counts() const;
    void say(const std::string& line) const {
        if (parts.log) parts.log("swarm: " + line);
    }

    const MembershipParts parts;
    planning::SwarmTerms terms;
    MembershipListener& listener;
    const std::shared_ptr<IncomingPieces> pieces;
    const std::shared_ptr<Witness> witness = std::make_shared<Witness>();
    std::unique_ptr<lt::session> session;
    lt::torrent_handle torrent;
    std::shared_ptr<Neighbourhood> neighbours;
    boost::asio::steady_timer cpu_timer, look_timer;
    int looks = 0;
    std::vector<PieceIndex> waiting;  // came otherwise before libtorrent was ready
    std::set<std::string> banned;
    bool is_ready = false;
    bool is_whole = false;
    bool is_gate_closed = false;
    bool is_left = false;
};

void Session::start() {
    lt::session_params params;
    prepare_session(params, parts.address, terms);
    const std::weak_ptr<Session> weak = weak_from_this();
    DiskCalls calls;
    calls.on_ready = [weak] {
        if (const auto self = weak.lock()) self->on_ready();
    };
    calls.on_brought = [weak](PieceIndex piece) {
        const auto self = weak.lock();
        if (!self) return;
        (void)self->witness->givers_of(piece);
        self->listener.on_brought(piece);
    };
    calls.on_wrong = [weak](PieceIndex piece) {
        if (const auto self = weak.lock()) self->on_wrong(piece);
    };
    calls.on_store_failed = [weak](const std::string& why) {
        if (const auto self = weak.lock()) self->listener.on_store_failed(why);
    };
    params.disk_io_constructor = [pieces = pieces, calls](
                                     lt::io_context& io, const lt::settings_interface&,
                                     lt::counters&) { return make_store_disk(io, pieces, calls); };
    session = std::make_unique<lt::session>(std::move(params), parts.io);
    session->set_alert_notify([weak, &io = parts.io] {
        boost::asio::post(io, [weak] {
            if (const auto self = weak.lock()) self->on_alerts();
        });
    });
    // Behind libtorrent's own first steps, which set the rates of all classes once more.
    boost::asio::post(parts.io, [weak] {
        if (const auto self = weak.lock(); self && self->session) self->bind_rates();
    });
    neighbours = std::make_shared<Neighbourhood>(parts.io, pieces, [weak](PieceIndex piece) {
        const auto self = weak.lock();
        if (self && !self->is_left) self->torrent.add_piece(theirs(piece), kInTheStore.data());
    });
    neighbours->is_room_for_all = terms.upload_slots >= kMostConnections;
    add_torrent();
    look_around();
    if (parts.cpu_percent) watch_cpu();
}

void Session::add_torrent() {
    const auto& manifest = parts.manifest;
    const auto bytes = torrent_file(manifest.layout, manifest.pieces_root, parts.layer->raw());
    lt::add_torrent_params torrent_params;
    torrent_params.ti =
        std::make_shared<lt::torrent_info>(lt::span<const char>(bytes), lt::from_span);
    torrent_params.save_path = "/";  // of no meaning to the store
    using namespace lt::torrent_flags;
    torrent_params.flags = apply_ip_filter | disable_dht | disable_lsd | disable_pex;
    torrent_params.max_connections = kMostConnections;
    torrent_params.max_uploads = -1;
    if (parts.verified.count() > 0) torrent_params.have_pieces = bits_of(parts.verified);
    for (const auto& peer : terms.peers) {
        lt::error_code error;
        const auto address = lt::make_address(peer.address, error);
        if (!error) torrent_params.peers.emplace_back(address, peer.port);
    }
    torrent_params.extensions.push_back(
        [witness = witness](const lt::torrent_handle&, lt::client_data_t) {
            return make_witness_plugin(witness);
        });
    torrent_params.extensions.push_back(
        [neighbours = neighbours](const lt::torrent_handle&, lt::client_data_t) {
            return make_neighbour_plugin(neighbours);
        });
    torrent = session->add_torrent(std::move(torrent_params));
}

// Peers of a LAN are in a class of their own, which knows neither slots nor the global limit.
void Session::bind_rates() {
    for (const auto id : {lt::session::global_peer_class_id, lt::session::local_peer_class_id}) {
        auto rules = session->get_peer_class(id);
        rules.ignore_unchoke_slots = false;
        rules.connection_limit_factor = 100;
        rules.upload_limit = static_cast<int>(
            std::min<std::uint64_t>(terms.rate_cap_bps / 8, std::numeric_limits<int>::max()));
        session->set_peer_class(id, rules);
    }
}

void Session::on_ready() {
    is_ready = true;
    for (const auto piece : std::exchange(waiting, {})) came_otherwise(piece);
}

void Session::came_otherwise(PieceIndex piece) {
    if (!is_ready) return waiting.push_back(piece);
    pieces->forget(piece);
    // Until libtorrent gets it, it must not ask others for it.
    torrent.piece_priority(theirs(piece), lt::dont_download);
    neighbours->first_copies.came(piece, monotonic_now());
}

void Session::on_alerts() {
    std::vector<lt::alert*> alerts;
    session->pop_alerts(&alerts);
    for (const auto* alert : alerts) {
        if ((alert->category() & lt::alert_category::error) != lt::alert_category_t{} &&
            lt::alert_cast<lt::peer_error_alert>(alert) == nullptr) {
            say(alert->message());
        }
    }
}

// Only those of the Assignment, none that poisoned; whoever may come and is not connected is looked
// for.
void Session::admit(const std::set<std::string>& but_not) {
    std::vector<planning::SwarmPeer> peers;
    for (const auto& peer : terms.peers)
        if (!banned.contains(peer.address) && !but_not.contains(peer.address))
            peers.push_back(peer);
    session->set_ip_filter(filter_of(peers));
    look_for_peers(peers);
}

void Session::look_for_peers(const std::vector<planning::SwarmPeer>& peers) {
    for (const auto& peer : peers) {
        lt::error_code error;
        const auto address = lt::make_address(peer.address, error);
        if (!error && !banned.contains(peer.address)) torrent.connect_peer({address, peer.port});
    }
}

// Whoever was away is met again soon: libtorrent waits longer for each failure, and forgives one
// each time that it is told of a peer.
void Session::look_around() {
    const bool is_room = neighbours->all.size() < static_cast<std::size_t>(kMostConnections);
    if (is_room && !is_whole && ++looks % kLooksForPeersEvery == 0) look_for_peers(terms.peers);
    if (!is_whole && is_ready && pieces->is_whole()) be_whole();
    neighbours->look(monotonic_now());
    look_timer.expires_after(kLooksEvery);
    look_timer.async_wait([weak = weak_from_this()](boost::system::error_code error) {
        const auto self = weak.lock();
        if (!error && self && !self->is_left) self->look_around();
    });
}

// From now on others look for it: those that lack something.
void Session::be_whole() {
    is_whole = true;
    neighbours->first_copies.whole(monotonic_now());
    lt::settings_pack pack;
    pack.set_int(lt::settings_pack::min_reconnect_time, kReconnectsWhenWhole);
    session->apply_settings(pack);
}

// Blame is ours alone. Who gave all of a wrong piece is banned for good; of several givers one is a
// liar, and all are let go of and may come back. Libtorrent, which hears of the piece next, finds
// nobody to blame: else it would ask the others for the digests of single blocks, and version 2.0.8
// writes behind its memory when one of them refuses (docs/SWARM.md).
void Session::on_wrong(PieceIndex piece) {
    const auto givers = witness->givers_of(piece);
    if (givers.size() == 1 && banned.insert(*givers.begin()).second)
        listener.on_peer_banned(*givers.begin());
    admit(givers);
    boost::asio::post(parts.io, [weak = weak_from_this()] {
        if (const auto self = weak.lock(); self && !self->is_left) self->admit();
    });
}

void Session::watch_cpu() {
    cpu_timer.expires_after(kCpuSampleEvery);
    cpu_timer.async_wait([weak = weak_from_this()](boost::system::error_code error) {
        const auto self = weak.lock();
        if (error || !self || self->is_left) return;
        const bool is_busy = self->parts.cpu_percent() > self->terms.cpu_gate_percent;
        if (is_busy != self->is_gate_closed) {
            self->is_gate_closed = is_busy;
            lt::settings_pack pack;
            pack.set_int(lt::settings_pack::unchoke_slots_limit,
                         is_busy ? 0 : static_cast<int>(self->terms.upload_slots));
            self->session->apply_settings(pack);
        }
        self->watch_cpu();
    });
}

void Session::set_peers(const std::vector<planning::SwarmPeer>& peers) {
    terms.peers = peers;
    admit();
}

void Session::read_offers(PieceSet& offered) const {
    std::vector<int> peers_with;
    if (is_ready) torrent.piece_availability(peers_with);
    for (PieceIndex p{0}; p.value < offered.size(); ++p.value) {
        if (p.value < peers_with.size() && peers_with[p.value] > 0) {
            offered.insert(p);
        } else {
            offered.erase(p);
        }
    }
}

MembershipCounts Session::counts() const {
    MembershipCounts counts;
    const auto status = torrent.status({});
    counts.bytes_in = static_cast<std::uint64_t>(status.total_payload_download);
    counts.bytes_out =
        static_cast<std::uint64_t>(status.total_payload_upload) + neighbours->bytes_out;
    counts.duplicate_bytes = static_cast<std::uint64_t>(status.total_redundant_bytes);
    counts.peers = static_cast<std::uint32_t>(status.num_peers);
    counts.port = session->listen_port();
    return counts;
}

// libtorrent's handlers know their session by its bare address: it stays until they are through,
// and where the io_context ends before they are, for good.
void Session::leave() {
    is_left = true;
    pieces->close();
    cpu_timer.cancel();
    look_timer.cancel();
    static auto& ended = *new std::list<lt::session_proxy>;
    const auto over = ended.insert(ended.end(), session->abort());
    session.reset();
    auto linger = std::make_shared<boost::asio::steady_timer>(parts.io, kLingers);
    linger->async_wait([over, linger](boost::system::error_code error) {
        if (!error) ended.erase(over);
    });
}

// --- the owner's side ----------------------------------------------------------------------------

class Member final : public Membership {
public:
    explicit Member(std::shared_ptr<Session> session) : session_(std::move(session)) {}
    ~Member() override { session_->leave(); }

    void came_otherwise(PieceIndex piece) override { session_->came_otherwise(piece); }
    void set_peers(const std::vector<planning::SwarmPeer>& peers) override {
        session_->set_peers(peers);
    }
    void read_offers(PieceSet& offered) const override { session_->read_offers(offered); }
    MembershipCounts counts() const override { return session_->counts(); }

private:
    const std::shared_ptr<Session> session_;
};

}  // namespace

std::unique_ptr<Membership> join(const MembershipParts& parts, const planning::SwarmTerms& terms,
                                 MembershipListener& listener) {
    auto session = std::make_shared<Session>(parts, terms, listener);
    try {
        session->start();
    } catch (const std::exception& error) {
        session->say(std::string("not joined: ") + error.what());
        if (session->session) session->leave();
        return nullptr;
    }
    return std::make_unique<Member>(std::move(session));
}

}  // namespace sluice::agent::swarm
