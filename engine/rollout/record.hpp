#pragma once
// What a rollout knows of each of its devices, and the words for it. A Record is all that survives
// a restart: whoever keeps it gives it back, and the rollout goes on where it stopped.
//
// | state      | means                                                  | leaves it by            |
// |------------|--------------------------------------------------------|-------------------------|
// | waiting    | no permit for its site yet, no source, or not its turn | any of these            |
// | due        | is told at its next session; called where possible     | its session             |
// | ordered    | was told; has not answered                             | its answer              |
// | fetching   | took the order                                         | TransferComplete        |
// | staged     | holds the image, durable, and serves; installs later   | children done, drain    |
// | activating | was told to install what it holds                      | TransferComplete        |
// | rebooting  | says that it applied the image                         | its next report         |
// | trial      | reports the new version, and is not healthy yet        | health, or the old one  |
// |            | (of a safe rollout: or its upgrade is not over yet)    |                         |
// | retrying   | an attempt failed; waits before the next               | back-off                |
// | cancelling | an order that is out is taken back: abort, or halt     | its session             |
// | done       | reports the new version and is healthy                 |                         |
// | failed     | see Reason                                             | a report of the version |
// | skipped    | never ordered, or has another image: see Reason        | a report of the version |
// | cancelled  | the rollout was cancelled before it was done           | a report of the version |

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/base/strong.hpp"
#include "engine/base/time.hpp"
#include "engine/inventory/device_report.hpp"

namespace sluice::rollout {

// A device's place in one rollout, in order of enrolment. Never stored, never sent.
using Member = Strong<struct MemberTag, std::uint32_t>;
inline constexpr Member kNobody{0xffffffff};
// A site, a model of plain CPEs and a kind of site, as the caller numbers them.
using SiteNumber = Strong<struct SiteNumberTag, std::uint32_t>;
using ModelNumber = Strong<struct ModelNumberTag, std::uint32_t>;
using SiteKind = Strong<struct SiteKindTag, std::uint32_t>;
using WaveNumber = Strong<struct WaveNumberTag, std::uint8_t>;
using ZoneNumber = Strong<struct ZoneNumberTag, std::uint16_t>;

enum class State : std::uint8_t {
    waiting,
    due,
    ordered,
    fetching,
    staged,
    activating,
    rebooting,
    trial,
    retrying,
    cancelling,
    done,
    failed,
    skipped,
    cancelled,
};
inline constexpr std::array<std::string_view, 14> kStateNames = {
    "waiting", "due",      "ordered",    "fetching", "staged", "activating", "rebooting",
    "trial",   "retrying", "cancelling", "done",     "failed", "skipped",    "cancelled"};
constexpr bool is_final(State state) {
    return state >= State::done;
}
std::string_view name_of(State state);
std::optional<State> state_named(std::string_view name);

// Why an attempt or a device failed.
enum class Reason : std::uint8_t {
    none,
    fault,        // the device's fault says it
    no_word,      // took the order, lives, and never said how it ended
    not_applied,  // says applied, and runs the old version
    fell_back,    // ran the new version, and runs the old one again
    unhealthy,    // runs the new version, and was not healthy until commit_timeout
    silent,       // not heard of since
    not_seen,     // never ordered, and not heard of
    superseded,   // another rollout brings it a newer image
    unfit,        // the image is not for what it reports now, or the rollout not for where it is
    // Of a safe rollout, how the device's upgrade ended.
    unchanged,    // before it was touched
    rolled_back,  // on the image that it had, with the configuration that it had
    abandoned,    // while it was being rolled back, by the operator
    other_image,  // on an image that the operator chose for it: says nothing of the rollout's
};
std::string_view describe(Reason reason);  // empty for none

enum class OrderKind : std::uint8_t { none, stage, upgrade };

// What a plain CPE shows about downloading from a master.
enum class Proof : std::uint8_t { none, trying, passed, faulted };

// Whether it has, or was promised, one of the places at the origin.
enum class Draw : std::uint8_t { none, due, out };

// How far a safe rollout may go with it (Policy::is_safe).
enum class Guard : std::uint8_t {
    none,       // its upgrade has not begun, or is over
    preparing,  // asked for (Prepare); no order to install leaves
    prepared,   // one may leave; its end goes to whoever prepared it (Attempted)
};

struct Record {
    State state = State::waiting;
    Reason reason = Reason::none;       // of the last failure
    OrderKind order = OrderKind::none;  // the last one given
    bool is_taken = false;              // and whether the device took it
    bool takes_from_origin = false;     // whatever its plan says
    Proof proof = Proof::none;
    Draw draw = Draw::none;
    Guard guard = Guard::none;
    bool is_alarming = false;  // the image did not verify there, or was not well
    bool is_late = false;      // went on though its order was taken back
    std::uint32_t attempts = 0;
    std::uint32_t orders = 0;  // given so far: the number of the last one
    std::uint32_t fault = 0;   // of the last failure; 0: none
    Member server = kNobody;   // the master that a plain CPE was sent to
    // Zero: never. `given`: the last order, `ordered`: the first; `booted`: when it last said so;
    // `missed`: a call did not get through, and nothing was heard since.
    Instant changed{}, ordered{}, given{}, fetched{}, done{}, heard{}, booted{}, missed{};
};

// What a rollout must know of a device that takes part.
struct Enrolment {
    SiteNumber site;
    inventory::DeviceKind kind = inventory::DeviceKind::agent;
    bool is_gateway = false;
    bool is_callable = false;  // by a connection request
    bool can_serve = true;     // as it reports: switched on, at its site, with an address
    ModelNumber model;         // of a plain CPE
    WaveNumber wave;           // the step it goes with
    ZoneNumber zone;           // of its local time (Rollout::add_zone)
    // Hashes of their names, seeded: who of many goes first, and how long each one's jitter is. The
    // same after a restart, whatever the numbers are.
    std::uint64_t key = 0, site_key = 0;
};

// Its part in its site's plan.
struct Place {
    std::uint32_t rank = 0;       // within the site
    std::vector<Member> sources;  // peers, best first; of a plain CPE the masters
    bool is_direct = false;       // takes from the origin, and from nobody else
    bool is_staged = false;       // others take from it, or it is the gateway
    bool may_serve = false;
    std::uint32_t reserved_slots = 0;  // that it keeps for plain CPEs
    SiteKind kind;                     // of the site
    Instant planned{};
};

}  // namespace sluice::rollout
