#pragma once
// What happens to a transfer session and what it asks for. Requests are runs of pieces with an id;
// an answer to a request that is no longer open is dropped by its id. Payload bytes never pass
// here.

#include <cstdint>
#include <type_traits>
#include <variant>
#include <vector>

#include "engine/base/piece_set.hpp"
#include "engine/base/strong.hpp"
#include "engine/base/time.hpp"

namespace sluice::transfer {

// Why a request ended without its bytes, as the shell can tell.
enum class Fault : std::uint8_t {
    unreachable,   // no connection: refused, no route, time-out
    disconnected,  // the connection ended early
    busy,          // 503; retry_after says when
    denied,        // 401 or 403 after credentials
    not_found,     // 404: does not have (or no longer has) the image
    bad_answer,    // breaks the protocol: wrong range, no length, chunked, garbage
};

// Why a session gave up, one for each FaultString (DESIGN §4, CWMP faults 9010 to 9019).
enum class Failure : std::uint8_t {
    no_source_left,  // 9015
    corrupt_image,   // 9018: the origin itself gave wrong bytes, or no source can prove the layer
    budget_spent,    // 9016
    store_failed,    // 9002
    cancelled,       // 9021
};

enum class Parting : std::uint8_t { silent, faulty, starving, poisoned };

// --- events -------------------------------------------------------------------------------

struct Started {};         // once, first; pieces already verified are in the PieceSet
struct DeadlinePassed {};  // next_deadline() has come
struct LayerProved {
    RequestId id;
};
struct LayerRefused {
    RequestId id;
};  // the bytes came and do not lead to the root
struct BytesArrived {
    RequestId id;
    std::uint32_t bytes;
};  // any sign of life on a run
struct PieceArrived {
    RequestId id;
    PieceIndex piece;
};  // whole, in memory, unverified
struct PieceProved {
    RequestId id;
    PieceIndex piece;
};  // verified, written, in the PieceSet
struct PieceRefused {
    RequestId id;
    PieceIndex piece;
};  // its digest is wrong
// Its digest is wrong, and it is not this source's alone: a part of it was there from before.
struct PieceSpoiled {
    RequestId id;
    PieceIndex piece;
};
// In the PieceSet, and no request asked for it: the swarm chooses what it brings.
struct PieceBrought {
    PieceIndex piece;
};
struct RequestFailed {
    RequestId id;
    Fault fault;
    Duration retry_after;
};
struct HaveAnswered {
    SourceIndex source;
    std::uint32_t boot_id;
    std::uint32_t count;
};
struct HaveFailed {
    SourceIndex source;
    Fault fault;
};
struct StoreFailed {};  // disk full or broken: nothing more can be kept
struct Cancelled {};

using Event = std::variant<Started, DeadlinePassed, LayerProved, LayerRefused, BytesArrived,
                           PieceArrived, PieceProved, PieceRefused, PieceSpoiled, PieceBrought,
                           RequestFailed, HaveAnswered, HaveFailed, StoreFailed, Cancelled>;

// --- actions ------------------------------------------------------------------------------

struct RequestLayer {
    RequestId id;
    SourceIndex source;
};
// Ask `source` for the run's bytes. Runs given to one source go out in the order of their ids and
// may be pipelined on one connection.
struct RequestRun {
    RequestId id;
    SourceIndex source;
    PieceRun run;
};
// Forget the request: what still arrives for it is not wanted. Closes the connection if it must.
struct CancelRequest {
    RequestId id;
    SourceIndex source;
};
// A sign of life is wanted beside the open run: GET …/have?after=count, on a connection of its own.
struct AskHave {
    SourceIndex source;
    std::uint32_t after;
};
// Hash the piece that arrived; on success write it, add it to the PieceSet, then say PieceProved.
struct VerifyPiece {
    RequestId id;
    PieceIndex piece;
};
// For log and metrics: the session turned away from a source.
struct LeaveSource {
    SourceIndex source;
    Parting why;
};
// A source gave a piece that is proven wrong. Never asked again by this device.
struct BanSource {
    SourceIndex source;
    PieceIndex piece;
};
struct Finish {};  // every piece is verified
struct GiveUp {
    Failure why;
};

using Action = std::variant<RequestLayer, RequestRun, CancelRequest, AskHave, VerifyPiece,
                            LeaveSource, BanSource, Finish, GiveUp>;
using Actions = std::vector<Action>;

static_assert(std::is_trivially_copyable_v<Event> && sizeof(Event) <= 32);
static_assert(std::is_trivially_copyable_v<Action> && sizeof(Action) <= 32);

}  // namespace sluice::transfer
