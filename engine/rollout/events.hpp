#pragma once
// What goes into a rollout and what it asks for. Values of at most 32 bytes.

#include <cstdint>
#include <variant>
#include <vector>

#include "engine/rollout/record.hpp"

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
struct Pause {};
struct Resume {};
struct Cancel {};
struct Tick {};

using Event = std::variant<Contacted, OrderWanted, OrderTaken, OrderRefused, Transferred,
                           Unreachable, Planned, Pause, Resume, Cancel, Tick>;

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
// Its record is another one: to be kept before anything follows from it.
struct Changed {
    Member member;
};
// It waits for the device's session, and would be called if it can be.
struct Due {
    Member member;
};
// Every member has its verdict. Said once.
struct Finished {};

using Action = std::variant<PlanSite, GiveOrder, GiveCancel, Changed, Due, Finished>;
using Actions = std::vector<Action>;

static_assert(sizeof(Event) <= 32 && sizeof(Action) <= 32);

}  // namespace sluice::rollout
