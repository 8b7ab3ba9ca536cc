#pragma once
// One device's part in fetching one image: which run of pieces, from whom, when to give up on a
// source. Events in, actions out; the agent runs it on sockets, the simulator in virtual time.
//
// The rule in short. Sources are tried in the Assignment's order. The first usable one is asked for the
// missing pieces from the front, a run ahead of what arrives; its bytes come as fast as it
// verifies them itself (cut-through). A source that gives neither bytes nor a `have` answer for
// kSilenceAfter is left for the next; one that answers `have` is alive and waited for, however little it gives,
// until `starve_limit`. The origin is asked only after `origin_delay` and inside its byte budget.
// A piece proven wrong bans its source for good.

#include <array>
#include <cstdint>

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
    std::uint8_t origin_mask = 0;        // bit i: source i is an origin
    std::uint8_t parallel_sources = 1;
    bool is_layer_proved = false;        // resumed: the store holds a proved layer
    std::uint64_t origin_budget = 0;     // bytes
    Duration origin_delay{};
    Duration starve_limit{};
    std::uint64_t seed = 0;
};
SessionPlan session_plan(const planning::Assignment& assignment, const image::PieceLayout& layout,
                         bool is_layer_proved);

class Session {
public:
    // `have` outlives the session and is written by the shell alone: a piece is added before
    // PieceProved is said, and never removed.
    Session(const SessionPlan& plan, const PieceSet& have);

    void on(const Event& event, Instant now, Actions& out);
    Instant next_deadline() const;
    bool is_over() const;
    std::uint64_t origin_bytes_taken() const;
    bool is_banned(SourceIndex source) const;
};

}  // namespace sluice::transfer
