#pragma once
// What goes into a rollout and what it asks for. Values of at most 32 bytes.

#include <cstdint>
#include <variant>
#include <vector>

#include "engine/rollout/record.hpp"
#include "engine/rollout/waves.hpp"

namespace sluice::rollout {

// --- events -------------------------------------------------------------------------------------

// The device opened a session and reported; again when it said more in the same session.
struct Contacted {
    Member member;
    bool has_target = false;   // reports the version that the rollout wants
    bool is_healthy = true;    // or does not say
    bool is_boot = false;      // its first session since it started
    bool is_at_work = false;   // its agent says that it is busy with the order
    bool is_callable = false;  // from now on, as can_serve (Enrolment)
    bool can_serve = true;
    ZoneNumber zone{};  // of its local time
};
// The session has come to what the ACS has to ask.
struct OrderWanted {
    Member member;
};
// The device's answer to the order it was given last.
struct OrderTaken {
    Member member;
    bool is_applied = false;  // at once: no TransferComplete follows
};
struct OrderRefused {
    Member member;
    std::uint32_t fault = 0;
};
// Fault 0: an upgrade was applied, a staged image is durable. `order`: its number; 0: not known.
struct Transferred {
    Member member;
    std::uint32_t order = 0;
    std::uint32_t fault = 0;
};
// A connection request did not get through.
struct Unreachable {
    Member member;
};
// The site's members have their places (Rollout::set_place).
struct Planned {
    SiteNumber site;
};
// The site's budget at the origin is spent, or released.
struct Held {
    SiteNumber site;
    bool is_held = false;
};
// The device has another rollout's order to do first, or no more.
struct Blocked {
    Member member;
    bool is_blocked = false;
};
// It takes part no more, if no order is out: for the reason.
struct Withdrawn {
    Member member;
    Reason why = Reason::unfit;
};
// Another rollout's plain CPE showed something (Canaries).
struct Shown {
    ModelNumber model;
    SiteKind kind;
};
// Of a safe rollout. Its order to install may leave; if one was out, another may.
struct Prepared {
    Member member;
};
// None may any more; one that is out is taken back where the device can.
struct Retracted {
    Member member;
};
// Its upgrade is over: the verdict. No reason: done; `other_image`: done, with an image that is not
// this rollout's.
struct Concluded {
    Member member;
    Reason reason = Reason::none;
    bool is_alarming = false;
};
struct Pause {};
// Of a pause, and of a halt: what counted until now is forgiven.
struct Resume {};
struct Cancel {};
// The failed start anew.
struct Retry {};
struct Tick {};

using Event = std::variant<Contacted, OrderWanted, OrderTaken, OrderRefused, Transferred,
                           Unreachable, Planned, Held, Blocked, Withdrawn, Shown, Prepared,
                           Retracted, Concluded, Pause, Resume, Cancel, Retry, Tick>;

// --- actions ------------------------------------------------------------------------------------

// The site has its permit: plan it, set_place for its members, then Planned.
struct PlanSite {
    SiteNumber site;
};
// The answer to OrderWanted, at most one; without it there is nothing to tell.
struct GiveOrder {
    Member member;
    OrderKind kind = OrderKind::upgrade;
    std::uint32_t order = 0;  // its number: new, or that of the order given again
};
struct GiveCancel {
    Member member;
    std::uint32_t order = 0;
};
// Of a safe rollout. The device is in its session, and its turn has come: to be prepared.
struct Prepare {
    Member member;
};
// How an order to install ended that left after Prepared. Fault 0: applied.
struct Attempted {
    Member member;
    std::uint32_t fault = 0;
    bool has_fallen_back = false;  // ran the new image, and left it
};
// Its record is another one: to be kept before anything follows from it. Its state before and
// after, which may be the same; by the time it is read there may be more.
struct Changed {
    Member member;
    State from = State::waiting, to = State::waiting;
};
// It waits for the device's session, and would be called if it can be.
struct Due {
    Member member;
};
// Every member has its verdict. Said once.
struct Finished {};
// The wave is open from now on: who is in it and no member yet may be enrolled.
struct WaveOpened {
    WaveNumber wave;
};
// A threshold is crossed: nothing is given from now on, and what is out is taken back.
struct Halted {
    HaltCause cause = HaltCause::none;
    WaveNumber wave;
};
// Where waves stand (WaveStand) is to be kept anew.
struct WavesChanged {};
// The site got a permit or gave it back, where they are limited: to be kept (restore_site).
struct PermitChanged {
    SiteNumber site;
};
// A plain CPE showed what it can: to be kept (Canaries), and other rollouts to be told (Shown).
struct Showed {
    ModelNumber model;
    SiteKind kind;
};

using Action = std::variant<PlanSite, GiveOrder, GiveCancel, Prepare, Attempted, Changed, Due,
                            Finished, WaveOpened, Halted, WavesChanged, PermitChanged, Showed>;
using Actions = std::vector<Action>;

static_assert(sizeof(Event) <= 32 && sizeof(Action) <= 32);

}  // namespace sluice::rollout
