#include "agent/swarm/neighbour.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <libtorrent/extensions.hpp>
#include <libtorrent/operations.hpp>
#include <libtorrent/peer_connection_handle.hpp>
#include <libtorrent/peer_info.hpp>
#include <libtorrent/peer_request.hpp>
#include <unordered_map>

#include "agent/clock.hpp"

namespace sluice::agent::swarm {
namespace {

constexpr auto kLeastPatience = std::chrono::milliseconds(800);
constexpr auto kMostPatience = std::chrono::seconds(5);
// Silent for this long with a piece that it was offered: the next one goes elsewhere.
constexpr auto kQuiet = std::chrono::milliseconds(300);
// A neighbour that lets more than this wait for it is not served: eight blocks asked for at once,
// which is what our own sessions do, are half of it.
constexpr int kMostWaiting = 256 * 1024;
// Whatever it is that waits: refusals of requests and digests of pieces are queued without a bound
// by libtorrent.
constexpr int kTooMuchWaiting = 512 * 1024;
constexpr std::uint32_t kMostAsked = 16 * 1024;  // BEP 3: larger requests are not served
// Message ids of BEP 3.
constexpr std::uint8_t kUnchoke = 1, kHave = 4, kPiece = 7;

std::uint32_t number(lt::piece_index_t piece) {
    return static_cast<std::uint32_t>(static_cast<int>(piece));
}

void put(char* at, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) *at++ = static_cast<char>(value >> shift);
}

}  // namespace

void Patience::was_kept_waiting(Duration time) {
    longest_ = std::max(time, longest_ - longest_ / 128);
}

Duration Patience::limit() const {
    return std::clamp<Duration>(longest_ * 2, kLeastPatience, kMostPatience);
}

class Neighbour final : public lt::peer_plugin,
                        public Taker,
                        public std::enable_shared_from_this<Neighbour> {
public:
    Neighbour(std::shared_ptr<Neighbourhood> hood, lt::peer_connection_handle peer)
        : hood_(std::move(hood)), peer_(std::move(peer)) {}
    ~Neighbour() override { go(); }

    // --- as one to give to -----------------------------------------------------------------------

    bool has(PieceIndex piece) const override {
        return peer_.has_piece(lt::piece_index_t(static_cast<int>(piece.value)));
    }
    bool may_ask() const override { return !peer_.is_choked(); }
    bool is_quiet(Instant now) const override { return !offers_.empty() && silence(now) > kQuiet; }

    void offer(PieceIndex piece, Instant now) override {
        begin_to_wait(now);
        offers_.try_emplace(piece.value, 0);  // what it was given of it before counts still
        std::array<char, 9> message{0, 0, 0, 5, static_cast<char>(kHave)};
        put(&message[5], piece.value);
        peer_.send_buffer(message.data(), static_cast<int>(message.size()));
    }

    // --- what it says ----------------------------------------------------------------------------

    bool on_bitfield(const lt::bitfield&) override { return said_what_it_has(); }
    bool on_have_all() override { return said_what_it_has(); }
    bool on_have_none() override { return said_what_it_has(); }
    void on_disconnect(const lt::error_code&) override { go(); }

    bool on_have(lt::piece_index_t piece) override {
        const auto now = heard();
        offers_.erase(number(piece));
        if (is_here_) hood_->first_copies.announced(*this, PieceIndex{number(piece)}, now);
        return false;
    }

    // Choked it would be at once, and with the next piece a round trip late.
    bool on_not_interested() override {
        heard();
        return hood_->is_room_for_all;
    }

    bool on_request(const lt::peer_request& wanted) override {
        heard();
        const int waiting = waits();
        if (waiting > kTooMuchWaiting) return hang_up_soon();
        const auto offered = offers_.find(number(wanted.piece));
        if (offered == offers_.end() || !may_ask() || waiting > kMostWaiting) return false;
        serve(wanted, offered->second);
        return true;
    }

    bool on_piece(const lt::peer_request&, lt::span<const char>) override { return answered(); }
    bool on_reject(const lt::peer_request&) override { return answered(); }
    bool on_choke() override { return heard(), false; }
    bool on_unchoke() override { return heard(), false; }
    bool on_interested() override { return heard(), false; }

    // --- what libtorrent says to it --------------------------------------------------------------

    void sent_request(const lt::peer_request&) override {
        begin_to_wait(monotonic_now());
        ++asked_;
    }
    void sent_cancel(const lt::peer_request&) override { asked_less(); }

    // libtorrent asks when it is unchoked and when a block comes, not when it hears of a piece from
    // one that has another piece of use: told once more that it may ask, it looks.
    void sent_have(lt::piece_index_t) override {
        if (peer_.is_choked() || !peer_.is_peer_interested()) return;
        const std::array<char, 5> message{0, 0, 0, 1, static_cast<char>(kUnchoke)};
        peer_.send_buffer(message.data(), static_cast<int>(message.size()));
    }

    // --- silence ---------------------------------------------------------------------------------

    // Whoever asks and does not read is hung up on. So is who left without a word and holds
    // requests that others could answer; libtorrent is asked first: blocks that come slowly are no
    // silence.
    void look(Instant now) {
        if (waits() > kTooMuchWaiting) return hang_up();
        if (!is_waited_for() || silence(now) <= hood_->patience.limit()) return;
        lt::peer_info info;
        peer_.get_peer_info(info);
        if (info.total_download != downloaded_) {
            downloaded_ = info.total_download;
            heard();
            return;
        }
        asked_ = info.download_queue_length;
        if (!is_waited_for()) return;
        hang_up();
    }

private:
    // libtorrent reads it when this returns.
    bool said_what_it_has() {
        heard();
        boost::asio::post(hood_->io, [weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->come();
        });
        return false;
    }
    void come() {
        if (is_here_ || is_gone_) return;
        is_here_ = true;
        hood_->all.push_back(this);
        hood_->first_copies.joined(*this, monotonic_now());
    }
    void go() {
        is_gone_ = true;
        if (!std::exchange(is_here_, false)) return;
        hood_->all.remove(this);
        hood_->first_copies.left(*this, monotonic_now());
    }

    // Bytes for it that it has not read.
    int waits() const {
        lt::peer_info info;
        peer_.get_peer_info(info);
        return info.used_send_buffer;
    }
    void hang_up() { peer_.disconnect(boost::asio::error::timed_out, lt::operation_t::bittorrent); }
    // libtorrent is in the middle of what it said.
    bool hang_up_soon() {
        boost::asio::post(hood_->io, [weak = weak_from_this()] {
            if (const auto self = weak.lock(); self && !self->is_gone_) self->hang_up();
        });
        return true;
    }
    bool is_waited_for() const { return asked_ > 0 || (!offers_.empty() && may_ask()); }
    Duration silence(Instant now) const { return now - std::max(heard_, waits_since_); }
    void begin_to_wait(Instant now) {
        if (!is_waited_for()) waits_since_ = now;
    }
    Instant heard() {
        const auto now = monotonic_now();
        if (is_waited_for()) hood_->patience.was_kept_waiting(silence(now));
        return heard_ = now;
    }
    bool answered() {
        heard();
        asked_less();
        return false;
    }
    void asked_less() { asked_ = std::max(asked_ - 1, 0); }

    // A block of a piece that it was offered, out of the store; `given` bounds what it can make us
    // keep for it.
    void serve(const lt::peer_request& wanted, std::uint64_t& given) {
        const auto length = static_cast<std::uint32_t>(wanted.length);
        const auto& layout = hood_->pieces->layout();
        if (wanted.length <= 0 || wanted.start < 0 || length > kMostAsked ||
            given + length > 2 * std::uint64_t{layout.piece_length})
            return;
        std::array<char, 13 + kMostAsked> message;
        put(&message[0], 9 + length);
        message[4] = static_cast<char>(kPiece);
        put(&message[5], number(wanted.piece));
        put(&message[9], static_cast<std::uint32_t>(wanted.start));
        const std::span<std::uint8_t> block(reinterpret_cast<std::uint8_t*>(&message[13]), length);
        if (!hood_->pieces->read(PieceIndex{number(wanted.piece)},
                                 static_cast<std::uint32_t>(wanted.start), block))
            return;
        given += length;
        hood_->bytes_out += length;
        peer_.send_buffer(message.data(), static_cast<int>(13 + length));
    }

    const std::shared_ptr<Neighbourhood> hood_;
    lt::peer_connection_handle peer_;
    bool is_here_ = false, is_gone_ = false;
    Instant heard_{}, waits_since_{};
    int asked_ = 0;  // blocks that libtorrent waits for; may be too many until looked at
    std::int64_t downloaded_ = 0;
    std::unordered_map<std::uint32_t, std::uint64_t> offers_;  // pieces, and bytes served of them
};

namespace {

class Street final : public lt::torrent_plugin {
public:
    explicit Street(std::shared_ptr<Neighbourhood> hood) : hood_(std::move(hood)) {}

    std::shared_ptr<lt::peer_plugin> new_connection(
        const lt::peer_connection_handle& peer) override {
        return std::make_shared<Neighbour>(hood_, peer);
    }

private:
    const std::shared_ptr<Neighbourhood> hood_;
};

}  // namespace

void Neighbourhood::look(Instant now) {
    for (auto* neighbour : std::list(all)) neighbour->look(now);
    first_copies.look(now);
}

std::shared_ptr<lt::torrent_plugin> make_neighbour_plugin(
    std::shared_ptr<Neighbourhood> neighbourhood) {
    return std::make_shared<Street>(std::move(neighbourhood));
}

}  // namespace sluice::agent::swarm
