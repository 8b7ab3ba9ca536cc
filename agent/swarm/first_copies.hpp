#pragma once
// Which neighbour gets a piece first that this device alone has brought into its swarm. BitTorrent
// says to all at once what there is, all ask for it, and over an uplink as slow as the origin's the
// same piece leaves many times while others wait. So a new piece is offered to one neighbour; it
// says when it has it, and then gives it to the rest. What a neighbour took with it when it left,
// or does not pass on, is offered to another one.
//
// Decides only. Behind it stand the connections (neighbour.hpp), which carry offers and serve what
// was offered; before it the session, which hands a piece over to libtorrent once it is let go, and
// with that to everybody.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>

#include "engine/base/strong.hpp"
#include "engine/base/time.hpp"

namespace sluice::agent::swarm {

// A connected neighbour as the one to give to.
class Taker {
public:
    virtual ~Taker() = default;
    virtual bool has(PieceIndex piece) const = 0;
    virtual bool may_ask() const = 0;              // unchoked
    virtual bool is_quiet(Instant now) const = 0;  // owes an answer for longer than it should
    virtual void offer(PieceIndex piece, Instant now) = 0;

private:
    friend class FirstCopies;
    std::uint32_t unfinished_ = 0;  // offered, and it has not said that it has them
    std::uint32_t unspread_ = 0;    // it has them, and nobody else says so
    std::uint32_t offered_ = 0;     // in all
};

class FirstCopies {
public:
    // Called for each piece once: everybody may be told now.
    explicit FirstCopies(std::function<void(PieceIndex)> let_go) : let_go_(std::move(let_go)) {}

    // Verified, written, and not by the swarm.
    void came(PieceIndex piece, Instant now);
    // No piece is missing any more.
    void whole(Instant now);

    void joined(Taker& taker, Instant now);
    void left(Taker& taker, Instant now);
    void announced(Taker& taker, PieceIndex piece, Instant now);
    // Called a few times a second.
    void look(Instant now);

    bool is_held(PieceIndex piece) const { return copies_.contains(piece.value); }

private:
    struct Copy {
        Taker* to = nullptr;  // null: waits for one
        Instant since{};      // offered; then, announced by it
        bool has_it = false;
        bool is_spread = false;  // another one has it too
        const Taker* taken_from = nullptr;
    };
    // Smoothed, of what went well: how long is usual on these links.
    class Usual {
    public:
        void took(Duration time) { mean_ += (time - mean_) / 8; }
        Duration at_most() const { return std::clamp(mean_ * 4, kAtLeast, kAtMost); }

    private:
        static constexpr Duration kAtLeast = std::chrono::milliseconds(400);
        static constexpr Duration kAtMost = std::chrono::seconds(4);
        Duration mean_ = std::chrono::milliseconds(300);
    };

    void deal(Instant now);
    Taker* best_for(PieceIndex piece, Instant now) const;
    bool has_anybody(PieceIndex piece, const Taker* but = nullptr) const;
    void drop_what_others_brought();
    void take_back(std::uint32_t piece, Copy& copy);
    void let_go_of_one();
    void let_all_go();

    const std::function<void(PieceIndex)> let_go_;
    std::list<Taker*> takers_;
    std::map<std::uint32_t, Copy> copies_;  // not yet let go, by piece
    std::deque<std::uint32_t> waiting_;     // of them, without a taker
    Usual taking_, spreading_;
    Instant moved_{};  // a neighbour said that it has one
    bool is_whole_ = false;
    bool is_over_ = false;
};

}  // namespace sluice::agent::swarm
