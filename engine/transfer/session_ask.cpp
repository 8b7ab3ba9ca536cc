// What a session asks for: the layer, then runs of missing pieces from the front, then the tail a
// second time.
#include <algorithm>

#include "engine/transfer/policy.hpp"
#include "engine/transfer/session.hpp"

namespace sluice::transfer {

// What the origin's budget still allows, open requests already paid for.
std::uint64_t Session::origin_bytes_left() const {
    std::uint64_t spent = origin_taken_;
    for (std::size_t i = 0; i < open_count_; ++i) {
        const auto& r = open_[i];
        if (is_origin(r.source.value) && !r.is_layer())
            spent += plan_.layout.bytes_of(PieceIndex{r.next}, r.run.end() - r.next);
    }
    return plan_.origin_budget - std::min(spent, plan_.origin_budget);
}

// Not even the next missing piece may be asked of the origin. The layer is always allowed.
bool Session::is_origin_spent() const {
    if (phase_ == Phase::layer) return false;
    const auto next = next_unasked_run(1);
    return next && plan_.layout.size_of(next->first) > origin_bytes_left();
}

RequestId Session::open(std::size_t s, PieceRun run, bool is_hedge, Instant now) {
    auto& source = sources_[s];
    if (!is_active(s)) {
        source.life = now;
        if (!source.was_busy) source.piece_at = now;
        source.is_mid_piece = false;
    }
    const RequestId id{next_id_++};
    open_[open_count_++] = OpenRequest{
        id, run, run.first.value, 0, SourceIndex{static_cast<std::uint8_t>(s)}, is_hedge};
    return id;
}

void Session::ask_layer(Instant now, Actions& out) {
    if (open_count_ > 0) return;
    for (std::size_t s = 0; s < plan_.source_count; ++s) {
        if (is_place_kept(s, now)) return;
        if (!is_askable(s, now)) continue;
        const auto id = open(s, PieceRun{}, false, now);
        out.push_back(RequestLayer{id, SourceIndex{static_cast<std::uint8_t>(s)}});
        return;
    }
}

void Session::ask_runs(Instant now, Actions& out) {
    int asked = 0;
    for (std::size_t s = 0; s < plan_.source_count && asked < plan_.parallel_sources; ++s) {
        if (!is_askable(s, now)) {
            // An origin whose last runs are out is in use even when its budget is spent.
            if (is_active(s) && is_origin(s)) ++asked;
            if (is_place_kept(s, now)) ++asked;
            continue;
        }
        // Who gives no sign of life is watched, and holds off nobody.
        if (!is_swarm_enough(s, now) || is_peer_alive(s, now)) ++asked;
        ask_runs_of(s, now, out);
    }
}

// Some runs ahead of what arrives, once it has shown that it gives what was asked.
bool Session::may_ask_more(std::size_t s) const {
    int open = 0;
    int arriving = 0;
    for (std::size_t i = 0; i < open_count_; ++i) {
        if (open_[i].source.value != s) continue;
        ++open;
        if (!open_[i].has_arrived()) ++arriving;
    }
    return open_count_ < kMaxOpen && (sources_[s].is_proven ? arriving < kRunsAhead : open == 0);
}

bool Session::is_swarm_stuck(Instant now) const {
    return now >= brought_at_ + kSwarmStuckAfter;
}

// The neighbour need not be asked: what it has comes by the swarm, or nothing would come from it.
bool Session::is_swarm_enough(std::size_t s, Instant now) const {
    if (!plan_.has_swarm || is_origin(s)) return false;
    return !is_swarm_stuck(now) || sources_[s].have_count <= have_->count();
}

void Session::keep_vigil(std::size_t s, Instant now) {
    if (is_active(s) || open_count_ == kMaxOpen) return;
    open(s, PieceRun{}, false, now);
    open_[open_count_ - 1].is_vigil = true;
}

void Session::end_vigil(std::size_t s) {
    for (std::size_t i = open_count_; i-- > 0;)
        if (open_[i].is_vigil && open_[i].source.value == s) close(open_[i]);
}

// The origin is for what no neighbour has.
std::optional<PieceRun> Session::next_run_of(std::size_t s, std::uint32_t max_count,
                                             Instant now) const {
    const bool is_for_swarm = is_origin(s) && plan_.has_swarm && !is_swarm_stuck(now);
    return next_unasked_run(max_count, is_for_swarm ? offered_ : nullptr);
}

void Session::ask_runs_of(std::size_t s, Instant now, Actions& out) {
    if (is_swarm_enough(s, now)) return keep_vigil(s, now);
    end_vigil(s);
    const auto count = plan_.layout.piece_count();
    const auto longest = !sources_[s].is_proven ? kFirstRunLength
                         : plan_.has_swarm      ? swarm_run_length(count)
                                                : run_length(count, plan_.parallel_sources);
    while (may_ask_more(s)) {
        auto run = next_run_of(s, longest, now);
        if (!run) return;
        if (is_origin(s)) {
            const auto left = origin_bytes_left();
            while (run->count > 0 && plan_.layout.bytes_of(run->first, run->count) > left)
                --run->count;
            if (run->count == 0) return;
        }
        const auto id = open(s, *run, false, now);
        out.push_back(RequestRun{id, SourceIndex{static_cast<std::uint8_t>(s)}, *run});
    }
}

// The first missing pieces that no open request covers, and that are not in `beside`.
std::optional<PieceRun> Session::next_unasked_run(std::uint32_t max_count,
                                                  const PieceSet* beside) const {
    PieceIndex from{0};
    for (;;) {
        auto run = have_->first_missing_run(from, max_count);
        if (!run) return std::nullopt;
        auto end = run->end();
        bool is_covered = false;
        for (std::size_t i = 0; i < open_count_; ++i) {
            const auto& r = open_[i];
            if (r.run.count == 0) continue;
            if (r.run.first <= run->first && run->first.value < r.run.end()) {
                is_covered = true;
                from = PieceIndex{std::max(from.value, r.run.end())};
            } else if (r.run.first > run->first) {
                end = std::min(end, r.run.first.value);
            }
        }
        if (is_covered) continue;
        const PieceRun unasked{run->first, end - run->first.value};
        if (beside == nullptr) return unasked;
        const auto rest = beside->first_missing_run(unasked.first, unasked.count);
        if (!rest) return std::nullopt;
        if (rest->first.value < unasked.end())
            return PieceRun{rest->first, std::min(rest->end(), unasked.end()) - rest->first.value};
        from = PieceIndex{unasked.end()};
    }
}

// Everything that is missing has been asked for, and it is little.
bool Session::is_tail() const {
    return have_->size() - have_->count() <= tail_length(have_->size()) && !next_unasked_run(1);
}

// A peer that could take over the tail: usable, and not being asked already.
std::optional<std::size_t> Session::hedge_candidate() const {
    for (std::size_t i = 0; i < open_count_; ++i)
        if (open_[i].is_hedge) return std::nullopt;
    if (open_count_ == kMaxOpen) return std::nullopt;
    for (std::size_t s = 0; s < plan_.source_count; ++s)
        if (!is_origin(s) && sources_[s].state == State::usable && !is_active(s)) return s;
    return std::nullopt;
}

// When the tail's sources have been quiet for long enough, and the candidate may be asked.
Instant Session::hedge_due() const {
    const auto candidate = hedge_candidate();
    auto quiet_since = Instant::never();
    for (std::size_t s = 0; s < plan_.source_count; ++s)
        if (is_active(s)) quiet_since = std::min(quiet_since, sources_[s].life);
    if (!candidate || quiet_since == Instant::never()) return Instant::never();
    const auto& source = sources_[*candidate];
    auto due = quiet_since + kHedgeAfter;
    if (source.have_count < have_->size()) due = std::max(due, source.life + kHedgeProbeEvery);
    return due;
}

void Session::hedge(Instant now, Actions& out) {
    if (!is_tail()) return;
    const auto due = hedge_due();
    if (due == Instant::never() || now < due) return;
    const auto s = *hedge_candidate();
    if (sources_[s].have_count < have_->size()) {
        probe(s, now, out);
        return;
    }
    const auto run = have_->first_missing_run(PieceIndex{0}, tail_length(have_->size()));
    const auto id = open(s, *run, true, now);
    out.push_back(RequestRun{id, SourceIndex{static_cast<std::uint8_t>(s)}, *run});
}

Session::OpenRequest* Session::find(RequestId id) {
    const auto end = open_.begin() + open_count_;
    const auto it = std::find_if(open_.begin(), end, [id](const auto& r) { return r.id == id; });
    return it == end ? nullptr : &*it;
}

void Session::close(const OpenRequest& request) {
    const auto at = static_cast<std::size_t>(&request - open_.data());
    std::move(open_.begin() + at + 1, open_.begin() + open_count_, open_.begin() + at);
    --open_count_;
}

void Session::close_if_done(const OpenRequest& request) {
    if (request.has_arrived() && request.verifying == 0) close(request);
}

// Nothing more of it is wanted, but what arrived is still being verified: whose piece it was must
// be known if it proves wrong.
void Session::retire(OpenRequest& request) {
    if (request.verifying == 0) {
        close(request);
    } else {
        request.run.count = request.next - request.run.first.value;
    }
}

// After a hedge: requests whose pieces have all come by another way.
void Session::cancel_needless(Actions& out) {
    for (std::size_t i = open_count_; i-- > 0;) {
        const auto& r = open_[i];
        if (r.run.count == 0 || r.verifying > 0) continue;
        const auto missing = have_->first_missing_run(PieceIndex{r.next}, 1);
        if (missing && missing->first.value < r.run.end()) continue;
        if (!r.has_arrived()) out.push_back(CancelRequest{r.id, r.source});
        close(r);
    }
}

void Session::cancel_requests_of(std::size_t s, Actions& out) {
    for (std::size_t i = open_count_; i-- > 0;) {
        if (open_[i].source.value != s) continue;
        if (!open_[i].has_arrived() && !open_[i].is_vigil)
            out.push_back(CancelRequest{open_[i].id, open_[i].source});
        retire(open_[i]);
    }
}

void Session::cancel_all(Actions& out) {
    for (std::size_t s = 0; s < plan_.source_count; ++s) cancel_requests_of(s, out);
}

}  // namespace sluice::transfer
