#pragma once
// The numbers and small rules of fetching, in one place: the session acts on them, and the
// simulator's faster fidelity asks the same functions.

#include <algorithm>
#include <cstdint>

#include "engine/base/rng.hpp"
#include "engine/base/time.hpp"
#include "engine/transfer/events.hpp"

namespace sluice::transfer {

// A peer that sends nothing for this long is asked for a `have`, which it answers within 500 ms
// even when it has nothing to give (DESIGN §5).
inline constexpr Duration kProbeAfter = 500ms;
// Neither bytes nor a `have` answer for this long: silent, left for the next source. With the
// request to the next one this stays below the 2 s the design promises.
inline constexpr Duration kSilenceAfter = 1750ms;
// The origin has no `have`: only its bytes speak for it, over a WAN that may stall.
inline constexpr Duration kOriginSilenceAfter = 10s;
// A peer that says it has more than we do, and still brings no whole piece for this long, is left
// when another can be asked: it lies, or its link is broken in one direction.
inline constexpr Duration kStuckAfter = 30s;
// In the tail, a source quiet for this long is hedged with a peer that holds the whole image.
inline constexpr Duration kHedgeAfter = 1s;
// How often a stand-by peer is asked for its `have` while a hedge is wanted.
inline constexpr Duration kHedgeProbeEvery = 2s;

// A peer that was never reached keeps its place in the order for this long after the start (and no
// longer than the join grace): a site's devices start within moments of each other, and whoever is
// up first would else turn a planned chain or tree into another one.
inline constexpr Duration kPlaceKept = 1s;
// A peer that came back without anything we miss is asked again after this long.
inline constexpr Duration kStandByPause = 5s;
// A peer that gave nothing useful although it lives is left alone for this long.
inline constexpr Duration kStarvedPause = 60s;

// In a swarm site neighbours are asked for runs only when the swarm has brought nothing for this
// long, and the origin then also for what the swarm offers and does not bring.
inline constexpr Duration kSwarmStuckAfter = 3s;

// Runs per source that are asked for ahead, so that its connection never idles.
inline constexpr int kRunsAhead = 2;
// An origin that gave this many wrong pieces is not asked again: the image there is broken.
inline constexpr int kOriginMistrust = 3;

// An origin that said so often in a row that it has no such image, or none for us, has none: the
// order is over, and the ACS hears why. The pauses between make 14 s of 404, and minutes of 403.
inline constexpr int kOriginRefusals = 4;
constexpr bool is_final(Fault fault) {
    return fault == Fault::not_found || fault == Fault::denied;
}

// Pieces in one request: long enough that a request's cost vanishes, short enough that several
// sources share an image evenly.
constexpr std::uint32_t run_length(std::uint32_t piece_count, std::uint32_t parallel_sources) {
    return std::clamp<std::uint32_t>(piece_count / (8 * parallel_sources), 1, 128);
}

// Beside a swarm: short, so that a device that takes over from another one, or comes back, asks the
// origin for little that is on its way already.
constexpr std::uint32_t swarm_run_length(std::uint32_t piece_count) {
    return std::clamp<std::uint32_t>(piece_count / 64, 1, 16);
}

// The first run of a source that has not given a right piece yet, and nothing ahead of it: whoever
// dies at once, or asks a liar first, has no more than that on its way.
inline constexpr std::uint32_t kFirstRunLength = 1;

// The last pieces, which may be fetched twice: under 2 % of an image, but at least one piece.
constexpr std::uint32_t tail_length(std::uint32_t piece_count) {
    return std::max<std::uint32_t>(1, piece_count / 64);
}

// Faults by which a source shows that it is up and will not give: nobody waits for it to start.
// "Not found" is none: a neighbour may be up and not have been ordered the image yet.
constexpr bool is_refusal(Fault fault) {
    return fault == Fault::denied || fault == Fault::bad_answer;
}

enum class SourceHistory : std::uint8_t { new_peer, known_peer, origin };

// How long a source is left alone after its n-th failure in a row (n ≥ 1): doubling, capped, and
// spread by ±25 % so that devices that failed together do not return together. A peer that was
// never reached is probably about to start: on a LAN a refused connection costs next to nothing.
inline Duration retry_delay(Fault fault, SourceHistory history, int failures, Rng& rng) {
    Duration base = history == SourceHistory::origin       ? Duration(1s)
                    : history == SourceHistory::known_peer ? Duration(250ms)
                                                           : Duration(50ms);
    Duration cap = history == SourceHistory::new_peer ? Duration(5s) : Duration(30s);
    switch (fault) {
        case Fault::unreachable:
        case Fault::disconnected:
            break;
        case Fault::busy:
            break;
        case Fault::not_found:
            base = 2s;
            break;
        case Fault::denied:
        case Fault::bad_answer:
            base = 30s;
            cap = 300s;
            break;
    }
    const auto doubled = base * (std::int64_t{1} << std::clamp(failures - 1, 0, 10));
    const auto capped = std::min<Duration>(doubled, cap);
    return Duration(static_cast<std::int64_t>(static_cast<double>(capped.count()) *
                                              (0.75 + 0.5 * rng.uniform())));
}

// What a source's own Retry-After may ask for.
constexpr Duration busy_delay(Duration retry_after) {
    return std::clamp<Duration>(retry_after, 100ms, 60s);
}

}  // namespace sluice::transfer
