// What each event means. Time is watched in session_watch.cpp, requests are chosen in
// session_ask.cpp; every event ends in step(), which does both.
#include "engine/transfer/session.hpp"

#include <algorithm>
#include <cassert>

#include "engine/transfer/policy.hpp"

namespace sluice::transfer {

SessionPlan session_plan(const planning::Assignment& assignment, const image::PieceLayout& layout,
                         bool is_layer_proved) {
    SessionPlan plan;
    plan.layout = layout;
    plan.source_count =
        static_cast<std::uint8_t>(std::min(assignment.sources.size(), planning::kMaxSources));
    for (std::size_t s = 0; s < plan.source_count; ++s)
        if (assignment.sources[s].kind == planning::SourceKind::origin)
            plan.origin_mask = static_cast<std::uint8_t>(plan.origin_mask | 1u << s);
    plan.parallel_sources =
        static_cast<std::uint8_t>(std::clamp(assignment.budgets.parallel_sources, 1u, 4u));
    plan.has_swarm = assignment.swarm.has_value();
    plan.is_layer_proved = is_layer_proved;
    plan.origin_budget = assignment.budgets.origin_bytes;
    plan.origin_delay = assignment.budgets.origin_delay;
    plan.join_grace = assignment.budgets.join_grace;
    plan.starve_limit = assignment.budgets.starve_limit;
    plan.seed = assignment.seed;
    return plan;
}

Session::Session(const SessionPlan& plan, const PieceSet& have, const PieceSet* offered)
    : plan_(plan), have_(&have), offered_(offered), rng_(plan.seed) {
    assert(image::is_valid(plan.layout) && have.size() == plan.layout.piece_count());
    assert(offered == nullptr || offered->size() == have.size());
}

void Session::on(const Event& event, Instant now, Actions& out) {
    if (is_over()) return;
    std::visit([&](const auto& e) { handle(e, now, out); }, event);
    if (!is_over()) step(now, out);
    deadline_ = is_over() ? Instant::never() : compute_deadline(now);
}

void Session::step(Instant now, Actions& out) {
    if (phase_ == Phase::waiting) return;
    if (phase_ == Phase::pieces && have_->is_complete()) {
        cancel_all(out);
        phase_ = Phase::over;
        out.push_back(Finish{});
        return;
    }
    note_peers(now);
    for (std::size_t s = 0; s < plan_.source_count; ++s) watch(s, now, out);
    note_peers(now);
    if (phase_ == Phase::layer) {
        ask_layer(now, out);
    } else {
        ask_runs(now, out);
        hedge(now, out);
    }
    for (std::size_t s = 0; s < plan_.source_count; ++s)
        if (has_hope(s)) return;
    const bool is_poisoned = std::any_of(sources_.begin(), sources_.end(),
                                         [](const auto& s) { return s.state == State::banned; });
    const bool is_spent = plan_.origin_mask != 0 && is_origin_spent();
    give_up(is_poisoned ? Failure::corrupt_image
            : is_spent  ? Failure::budget_spent
                        : Failure::no_source_left,
            out);
}

void Session::handle(const Started&, Instant now, Actions&) {
    if (phase_ != Phase::waiting) return;
    phase_ = plan_.is_layer_proved ? Phase::pieces : Phase::layer;
    started_at_ = brought_at_ = now;
}

void Session::handle(const DeadlinePassed&, Instant, Actions&) {}

void Session::handle(const LayerProved& e, Instant now, Actions&) {
    const auto* request = find(e.id);
    if (request == nullptr || !request->is_layer()) return;
    auto& source = sources_[request->source.value];
    source.failures = 0;
    source.was_busy = false;
    source.was_reached = true;
    close(*request);
    brought_at_ = now;  // the swarm can begin
    phase_ = Phase::pieces;
}

void Session::handle(const LayerRefused& e, Instant now, Actions& out) {
    const auto* request = find(e.id);
    if (request == nullptr || !request->is_layer()) return;
    const auto s = request->source.value;
    close(*request);
    distrust(s, PieceIndex{0}, now, out);
}

void Session::handle(const BytesArrived& e, Instant now, Actions&) {
    const auto* request = find(e.id);
    if (request == nullptr || request->has_arrived()) return;
    const auto s = request->source.value;
    auto& source = sources_[s];
    source.life = now;
    // While it had nothing it owed nothing: its time for a piece begins with the first bytes.
    if (!source.is_mid_piece) source.piece_at = now;
    source.is_mid_piece = source.was_reached = true;
    source.is_have_open = false;  // a new AskHave replaces one that is still out
    if (is_origin(s) && !request->is_layer()) origin_taken_ += e.bytes;
}

void Session::handle(const PieceArrived& e, Instant now, Actions& out) {
    auto* request = find(e.id);
    if (request == nullptr || request->is_layer() || e.piece.value != request->next ||
        request->has_arrived())
        return;
    ++request->next;
    auto& source = sources_[request->source.value];
    source.life = source.piece_at = now;
    source.is_mid_piece = source.was_busy = false;
    if (have_->contains(e.piece)) {
        close_if_done(*request);
        return;
    }
    ++request->verifying;
    out.push_back(VerifyPiece{e.id, e.piece});
}

void Session::handle(const PieceProved& e, Instant, Actions& out) {
    if (auto* request = find(e.id); request != nullptr && request->verifying > 0) {
        --request->verifying;
        auto& source = sources_[request->source.value];
        source.failures = 0;
        source.is_proven = true;
        close_if_done(*request);
    }
    cancel_needless(out);
}

// Whoever is watched over brought it, as far as starving goes.
void Session::handle(const PieceBrought&, Instant now, Actions& out) {
    brought_at_ = now;
    for (std::size_t i = 0; i < open_count_; ++i)
        if (open_[i].is_vigil) sources_[open_[i].source.value].piece_at = now;
    cancel_needless(out);
}

void Session::handle(const PieceRefused& e, Instant now, Actions& out) {
    auto* request = find(e.id);
    if (request == nullptr || request->verifying == 0) return;
    const auto s = request->source.value;
    --request->verifying;
    const auto state = sources_[s].state;
    if (state == State::banned || (is_origin(s) && state != State::usable)) {
        close_if_done(*request);  // it has been left for that already
    } else {
        distrust(s, e.piece, now, out);
    }
}

// Nobody is to blame: it is missing as it was, and asked for again, whole.
void Session::handle(const PieceSpoiled& e, Instant, Actions&) {
    auto* request = find(e.id);
    if (request == nullptr || request->verifying == 0) return;
    --request->verifying;
    close_if_done(*request);
}

void Session::handle(const RequestFailed& e, Instant now, Actions& out) {
    auto* request = find(e.id);
    if (request == nullptr || request->has_arrived()) return;
    const auto s = request->source.value;
    retire(*request);
    const auto refusals = is_final(e.fault) ? sources_[s].refusals + 1 : 0;
    sources_[s].refusals = std::min(refusals, kOriginRefusals) & 0xf;
    if (e.fault != Fault::busy) {
        leave_after(s, e.fault, Parting::faulty, now, out);
        return;
    }
    cancel_requests_of(s, out);
    auto& source = sources_[s];
    source.state = State::busy;
    source.was_busy = source.was_reached = true;
    source.life = now + busy_delay(e.retry_after);
}

void Session::handle(const HaveAnswered& e, Instant now, Actions&) {
    if (e.source.value >= plan_.source_count) return;
    auto& source = sources_[e.source.value];
    source.is_have_open = false;
    source.have_count = e.count;
    source.was_reached = source.is_answering = true;
    // Its failures stay: one that answers and fails every run must not come back at once each time.
    if (source.state == State::usable) {
        source.life = now;
    } else if (source.state == State::probing) {
        // Back, but with nothing that we miss: alive, and of no use yet.
        const bool is_useful = e.count > have_->count();
        source.state = is_useful ? State::usable : State::benched;
        source.life = is_useful ? now : now + kStandByPause;
        source.is_standing_by = !is_useful;
    }
}

void Session::handle(const HaveFailed& e, Instant now, Actions&) {
    if (e.source.value >= plan_.source_count) return;
    auto& source = sources_[e.source.value];
    if (e.fault == Fault::busy && source.state == State::usable) {
        source.life = now;  // turned away, but by somebody who lives
        source.is_have_open = false;
    } else if (source.state == State::probing) {
        bench_unreached(e.source.value, e.fault, now);
    }
    // Else it stays "open": the silence that follows is the source's own, and is being timed.
}

void Session::handle(const StoreFailed&, Instant, Actions& out) {
    give_up(Failure::store_failed, out);
}

void Session::handle(const Cancelled&, Instant, Actions& out) {
    give_up(Failure::cancelled, out);
}

void Session::leave(std::size_t s, Parting why, Duration pause, Instant now, Actions& out) {
    cancel_requests_of(s, out);
    auto& source = sources_[s];
    source.state = State::benched;
    source.life = now + pause;
    source.is_have_open = source.was_busy = source.is_mid_piece = source.is_standing_by = false;
    source.is_answering = false;
    out.push_back(LeaveSource{SourceIndex{static_cast<std::uint8_t>(s)}, why});
}

void Session::leave_after(std::size_t s, Fault fault, Parting why, Instant now, Actions& out) {
    leave(s, why, pause_after(s, fault), now, out);
}

// One failure more, and the pause it costs the source.
Duration Session::pause_after(std::size_t s, Fault fault) {
    auto& source = sources_[s];
    source.was_reached |= is_refusal(fault);
    source.failures = static_cast<std::uint8_t>(std::min(source.failures + 1, 20));
    const auto history = is_origin(s)         ? SourceHistory::origin
                         : source.was_reached ? SourceHistory::known_peer
                                              : SourceHistory::new_peer;
    return retry_delay(fault, history, source.failures, rng_);
}

void Session::distrust(std::size_t s, PieceIndex piece, Instant now, Actions& out) {
    auto& source = sources_[s];
    ++source.distrusts;
    if (is_origin(s) && source.distrusts < kOriginMistrust) {
        leave_after(s, Fault::bad_answer, Parting::poisoned, now, out);
        return;
    }
    cancel_requests_of(s, out);
    source.state = State::banned;
    source.is_standing_by = false;
    out.push_back(BanSource{SourceIndex{static_cast<std::uint8_t>(s)}, piece});
}

void Session::give_up(Failure why, Actions& out) {
    cancel_all(out);
    phase_ = Phase::over;
    out.push_back(GiveUp{why});
}

}  // namespace sluice::transfer
