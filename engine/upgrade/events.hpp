#pragma once
// What happens to one device's safe upgrade, and what it asks for. Images, configurations and
// addresses never pass here: the shell has them.

#include <cstdint>
#include <type_traits>
#include <variant>
#include <vector>

#include "engine/upgrade/record.hpp"

namespace sluice::upgrade {

// --- events ---------------------------------------------------------------------------------

struct Start {};
// Precheck's answer.
struct Found {
    std::uint32_t number = 0;
    bool is_target = false;  // it runs the wanted version and is healthy
    bool can_back_up = false;
    bool keeps_image = false;  // an install leaves the image that runs
};
// What was asked for under `number` is over. Answers to other numbers are late, and dropped.
struct Ended {
    std::uint32_t number = 0;
    Outcome outcome = Outcome::done;
    Reason reason = Reason::failure;  // of one that is not done
};
// The operator, to the question that is open at `step`.
struct Accepted {
    Step step;
};  // once more, with all attempts
struct Declined {
    Step step;
};
struct Corrected {
    Step step;
};  // the shell has what to use instead
struct CalledOff {};
// What is under way goes on to its end; after a roll-back there is no further try.
struct LastTry {};
struct Tick {};

using Event =
    std::variant<Start, Found, Ended, Accepted, Declined, Corrected, CalledOff, LastTry, Tick>;

// --- actions --------------------------------------------------------------------------------

// The record is another one: durable before anything that follows is done.
struct Changed {};
// Exactly one is open at a time. Said again, with its number, after a restart: who carries it out
// knows by the number whether the device was told already.
struct Do {
    Step step;
    std::uint32_t number = 0;
    std::uint16_t attempt = 1;
};
// What was asked for under `number` is of no use any more: it may be stopped, and its answer is
// dropped.
struct Drop {
    std::uint32_t number = 0;
};
struct Ask {
    Step step;
    Reason reason;
};
struct Over {
    End end;
    Reason reason;
};

using Action = std::variant<Changed, Do, Drop, Ask, Over>;
using Actions = std::vector<Action>;

static_assert(std::is_trivially_copyable_v<Event> && sizeof(Event) <= 32);
static_assert(std::is_trivially_copyable_v<Action> && sizeof(Action) <= 32);

}  // namespace sluice::upgrade
