#include "agent/swarm/first_copies.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace sluice::agent::swarm {
namespace {

// Its requests come late where its own uplink is full: so many pieces keep them coming. More would
// only leave with it.
constexpr std::uint32_t kAhead = 3;
// When nobody takes anything for this long, whatever the reason, everybody may ask.
constexpr auto kStandstill = std::chrono::seconds(3);

}  // namespace

void FirstCopies::came(PieceIndex piece, Instant now) {
    if (is_over_ || has_anybody(piece)) return let_go_(piece);
    if (waiting_.empty()) moved_ = now;
    copies_[piece.value] = {};
    waiting_.push_back(piece.value);
    deal(now);
}

void FirstCopies::whole(Instant now) {
    is_whole_ = true;
    look(now);
}

void FirstCopies::joined(Taker& taker, Instant now) {
    takers_.push_back(&taker);
    deal(now);
}

void FirstCopies::left(Taker& taker, Instant now) {
    takers_.remove(&taker);
    for (auto& [piece, copy] : copies_) {
        const bool is_lost = copy.to == &taker && (!copy.has_it || !copy.is_spread);
        if (is_lost || (copy.is_spread && !has_anybody(PieceIndex{piece}))) {
            take_back(piece, copy);
        } else if (copy.to == &taker) {
            copy.to = nullptr;
        }
    }
    deal(now);
}

void FirstCopies::announced(Taker& taker, PieceIndex piece, Instant now) {
    const auto at = copies_.find(piece.value);
    if (at == copies_.end()) return;
    auto& copy = at->second;
    moved_ = now;
    if (copy.to == &taker && !copy.has_it) {
        taking_.took(now - copy.since);
        copy.has_it = true;
        copy.since = now;
        copy.is_spread = has_anybody(piece, &taker);
        --taker.unfinished_;
        if (!copy.is_spread) ++taker.unspread_;
    } else if (copy.to != nullptr && copy.has_it && !copy.is_spread) {
        spreading_.took(now - copy.since);
        copy.is_spread = true;
        --copy.to->unspread_;
    }
    deal(now);
}

void FirstCopies::look(Instant now) {
    bool is_all_out = waiting_.empty();
    for (auto& [piece, copy] : copies_) {
        if (copy.to == nullptr || copy.is_spread) continue;
        const auto& usual = copy.has_it ? spreading_ : taking_;
        if (now - copy.since > usual.at_most()) take_back(piece, copy);
        is_all_out = false;
    }
    const bool is_standing = !waiting_.empty() && !takers_.empty() && now - moved_ > kStandstill;
    if ((is_whole_ && is_all_out) || is_standing) return let_all_go();
    deal(now);
}

void FirstCopies::deal(Instant now) {
    for (drop_what_others_brought(); !waiting_.empty(); drop_what_others_brought()) {
        const PieceIndex piece{waiting_.front()};
        auto* const taker = best_for(piece, now);
        if (taker == nullptr) return;
        waiting_.pop_front();
        copies_[piece.value] = {taker, now, false, false, nullptr};
        ++taker->unfinished_;
        ++taker->offered_;
        taker->offer(piece, now);
    }
    if (std::all_of(takers_.begin(), takers_.end(), [](auto* t) { return t->unfinished_ == 0; }))
        let_go_of_one();
}

// Who may ask already, then who owes least to the others, then who got least.
Taker* FirstCopies::best_for(PieceIndex piece, Instant now) const {
    Taker* best = nullptr;
    const auto rank = [](const Taker& t) {
        return std::tuple(!t.may_ask(), t.unfinished_ + t.unspread_, t.offered_);
    };
    for (auto* taker : takers_) {
        if (taker->unfinished_ >= kAhead || taker->is_quiet(now) || taker->has(piece)) continue;
        if (best == nullptr || rank(*taker) < rank(*best)) best = taker;
    }
    return best;
}

bool FirstCopies::has_anybody(PieceIndex piece, const Taker* but) const {
    return std::any_of(takers_.begin(), takers_.end(),
                       [&](const auto* taker) { return taker != but && taker->has(piece); });
}

// A piece that was taken back may have come about in another way.
void FirstCopies::drop_what_others_brought() {
    while (!waiting_.empty()) {
        auto& copy = copies_[waiting_.front()];
        if (!has_anybody(PieceIndex{waiting_.front()}, copy.taken_from)) return;
        copy.is_spread = true;
        waiting_.pop_front();
    }
}

// Lost pieces are missed already: before new ones.
void FirstCopies::take_back(std::uint32_t piece, Copy& copy) {
    auto* const from = copy.to;
    if (from != nullptr && !copy.is_spread) --(copy.has_it ? from->unspread_ : from->unfinished_);
    copy = {};
    copy.taken_from = from;
    waiting_.push_front(piece);
}

// The uplink has room: the oldest piece that two have goes to whoever still lacks it.
void FirstCopies::let_go_of_one() {
    const auto spread = std::find_if(copies_.begin(), copies_.end(),
                                     [](const auto& entry) { return entry.second.is_spread; });
    if (spread == copies_.end()) return;
    const PieceIndex piece{spread->first};
    copies_.erase(spread);
    let_go_(piece);
}

void FirstCopies::let_all_go() {
    is_over_ = is_whole_;
    for (auto* taker : takers_) taker->unfinished_ = taker->unspread_ = 0;
    waiting_.clear();
    for (const auto& [piece, copy] : std::exchange(copies_, {})) let_go_(PieceIndex{piece});
}

}  // namespace sluice::agent::swarm
