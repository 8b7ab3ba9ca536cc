#pragma once
// One device's part in fetching one image: which run of pieces, from whom, when to give up on a
// source. Events in, actions out; the agent runs it on sockets, the simulator in virtual time.
//
// The rule in short. Sources are tried in the Assignment's order. The first usable one is asked for
// the missing pieces from the front: one, and once that is proved some runs ahead of what arrives;
// it sends each piece as soon as it has verified it (cut-through). A source that gives neither
// bytes nor a `have` answer for kSilenceAfter is left for the next; one that answers `have` is
// alive and waited for, however little it gives, until `starve_limit`. The origin is asked only
// when no peer is alive, after `origin_delay`, and inside its byte budget. A piece proven wrong
// bans its source for good. A source that was left is tried again later, by `have` alone while
// another one delivers.
//
// In a swarm site most pieces come by themselves, in an order of the swarm's own (the named
// exception). The session then keeps a *vigil* at the peer it would have asked: no run, `have`
// alone, so that a lost master is noticed as fast as ever and its stand-in turns to the origin
// under the same delay and budget. The origin is asked for nothing that the swarm offers. Should
// the swarm bring nothing for a while, neighbours are asked for runs as if there were none.

#include <array>
#include <cstdint>
#include <optional>

#include "engine/base/rng.hpp"
#include "engine/base/time.hpp"
#include "engine/image/piece_layout.hpp"
#include "engine/planning/plan.hpp"
#include "engine/transfer/events.hpp"

namespace sluice::transfer {

// What of an Assignment the session needs, in a form that fits its 512 bytes.
struct SessionPlan {
    image::PieceLayout layout;
    std::uint8_t source_count = 0;
    std::uint8_t origin_mask = 0;  // bit i: source i is an origin
    std::uint8_t parallel_sources = 1;
    bool has_swarm = false;           // pieces also come by PieceBrought
    bool is_layer_proved = false;     // resumed: the store holds a proved layer
    std::uint64_t origin_budget = 0;  // bytes
    Duration origin_delay{};
    Duration join_grace{};
    Duration starve_limit{};
    std::uint64_t seed = 0;
};
SessionPlan session_plan(const planning::Assignment& assignment, const image::PieceLayout& layout,
                         bool is_layer_proved);

class Session {
public:
    // `have` outlives the session and is written by the shell alone: a piece is added before
    // PieceProved is said, and never removed.
    // `offered`: what neighbours in the swarm say they have; null: nobody says.
    Session(const SessionPlan& plan, const PieceSet& have, const PieceSet* offered = nullptr);

    // Actions are appended to `out`, in the order in which they are to be done.
    void on(const Event& event, Instant now, Actions& out);
    // When DeadlinePassed is due; after any event it lies ahead of that event's `now`.
    Instant next_deadline() const { return deadline_; }

    bool is_over() const { return phase_ == Phase::over; }
    std::uint64_t origin_bytes_taken() const { return origin_taken_; }
    bool is_banned(SourceIndex s) const { return sources_[s.value].state == State::banned; }

private:
    enum class Phase : std::uint8_t { waiting, layer, pieces, over };
    enum class State : std::uint8_t {
        usable,   // may be asked, or is being asked
        busy,     // said 503: alive, may be asked again from `until`
        benched,  // was left: may be tried again from `until`
        probing,  // was left, and is being asked for a `have` since `life`
        banned,
    };
    struct SourceState {
        Instant life;      // last sign of life, or the first request since it was quiet; while
                           // busy or benched: when it may be tried again
        Instant piece_at;  // last whole piece, or the first request since
        std::uint32_t have_count = 0;
        State state = State::usable;
        std::uint8_t failures = 0;       // in a row; decides the next pause
        std::uint8_t distrusts : 4 = 0;  // wrong pieces of an origin
        std::uint8_t refusals : 4 = 0;   // of an origin, in a row
        bool is_have_open : 1 = false;
        bool was_reached : 1 = false;     // gave a sign of life, ever
        bool is_proven : 1 = false;       // gave a right piece, ever
        bool was_busy : 1 = false;        // said 503 and gave no whole piece since
        bool is_mid_piece : 1 = false;    // bytes came since the last whole piece
        bool is_answering : 1 = false;    // answered a `have` since it was last left
        bool is_standing_by : 1 = false;  // while benched: lives, and had nothing that we miss
    };
    struct OpenRequest {
        RequestId id;
        PieceRun run;            // count 0: the layer, or a vigil
        std::uint32_t next = 0;  // the piece that arrives next
        std::uint16_t verifying = 0;
        SourceIndex source;
        bool is_hedge : 1 = false;
        bool is_vigil : 1 = false;
        bool has_arrived() const { return next == run.end() && run.count > 0; }
        bool is_layer() const { return run.count == 0 && !is_vigil; }
    };
    static constexpr std::size_t kMaxOpen = 8;

    void handle(const Started&, Instant, Actions&);
    void handle(const DeadlinePassed&, Instant, Actions&);
    void handle(const LayerProved&, Instant, Actions&);
    void handle(const LayerRefused&, Instant, Actions&);
    void handle(const BytesArrived&, Instant, Actions&);
    void handle(const PieceArrived&, Instant, Actions&);
    void handle(const PieceProved&, Instant, Actions&);
    void handle(const PieceRefused&, Instant, Actions&);
    void handle(const PieceSpoiled& e, Instant now, Actions& out);
    void handle(const PieceBrought&, Instant, Actions&);
    void handle(const RequestFailed&, Instant, Actions&);
    void handle(const HaveAnswered&, Instant, Actions&);
    void handle(const HaveFailed&, Instant, Actions&);
    void handle(const StoreFailed&, Instant, Actions&);
    void handle(const Cancelled&, Instant, Actions&);

    // Who may be asked.
    bool is_origin(std::size_t s) const { return (plan_.origin_mask >> s & 1) != 0; }
    bool is_active(std::size_t s) const;
    bool is_peer_alive(std::size_t s, Instant now) const;
    bool is_askable(std::size_t s, Instant now) const;
    bool is_place_kept(std::size_t s, Instant now) const;
    Instant places_kept_until() const;
    bool is_another_peer_usable(std::size_t s) const;
    std::size_t first_origin() const;
    std::uint64_t origin_bytes_left() const;
    bool is_origin_spent() const;
    bool has_hope(std::size_t s) const;

    // What time does.
    void note_peers(Instant now);
    void watch(std::size_t s, Instant now, Actions& out);
    void watch_active_peer(std::size_t s, Instant now, Actions& out);
    bool is_stuck(std::size_t s, Instant now) const;
    void wake(std::size_t s, Instant now, Actions& out);
    void probe(std::size_t s, Instant now, Actions& out);
    void bench_unreached(std::size_t s, Fault fault, Instant now);
    Duration pause_after(std::size_t s, Fault fault);
    void ask_have(std::size_t s, std::uint32_t after, Actions& out);
    Instant compute_deadline(Instant now) const;
    Instant source_deadline(std::size_t s) const;

    // What is asked.
    void ask_layer(Instant now, Actions& out);
    void ask_runs(Instant now, Actions& out);
    void ask_runs_of(std::size_t s, Instant now, Actions& out);
    bool may_ask_more(std::size_t s) const;
    bool is_swarm_stuck(Instant now) const;
    bool is_swarm_enough(std::size_t s, Instant now) const;
    void keep_vigil(std::size_t s, Instant now);
    void end_vigil(std::size_t s);
    std::optional<PieceRun> next_run_of(std::size_t s, std::uint32_t max_count, Instant now) const;
    void hedge(Instant now, Actions& out);
    bool is_tail() const;
    Instant hedge_due() const;
    std::optional<std::size_t> hedge_candidate() const;
    std::optional<PieceRun> next_unasked_run(std::uint32_t max_count,
                                             const PieceSet* beside = nullptr) const;
    RequestId open(std::size_t s, PieceRun run, bool is_hedge, Instant now);
    OpenRequest* find(RequestId id);
    void close(const OpenRequest& request);
    void close_if_done(const OpenRequest& request);
    void retire(OpenRequest& request);
    void cancel_needless(Actions& out);
    void cancel_all(Actions& out);

    // How a source is left, and how all of it ends.
    void step(Instant now, Actions& out);
    void cancel_requests_of(std::size_t s, Actions& out);
    void leave(std::size_t s, Parting why, Duration pause, Instant now, Actions& out);
    void leave_after(std::size_t s, Fault fault, Parting why, Instant now, Actions& out);
    void distrust(std::size_t s, PieceIndex piece, Instant now, Actions& out);
    void give_up(Failure why, Actions& out);

    SessionPlan plan_;
    const PieceSet* have_;
    const PieceSet* offered_;
    Rng rng_;
    std::array<SourceState, planning::kMaxSources> sources_{};
    std::array<OpenRequest, kMaxOpen> open_{};
    std::uint64_t origin_taken_ = 0;  // bytes that came from origins, wanted or not
    Instant started_at_{};
    Instant brought_at_{};  // by the swarm, last
    Instant peerless_since_ = Instant::never();
    Instant deadline_ = Instant::never();
    std::uint32_t next_id_ = 1;
    std::uint8_t open_count_ = 0;
    Phase phase_ = Phase::waiting;
};

static_assert(sizeof(Session) <= 512);

}  // namespace sluice::transfer
