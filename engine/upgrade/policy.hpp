#pragma once
// How one model of device is upgraded safely: which steps it needs, how long each may take, how
// often it is tried, and whether a person is asked then. Data, checked where it comes in.

#include <array>
#include <cstdint>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/upgrade/step.hpp"

namespace sluice::upgrade {

enum class Backup : std::uint8_t {
    by_device,  // require where the device can upload its configuration, else skip
    require,    // no upgrade without one
    attempt,    // on without one, if it cannot be had
    skip,
};
enum class Restore : std::uint8_t {
    always,
    if_lost,  // as compare says
    never,
};

struct Rule {
    Duration limit = std::chrono::minutes(10);  // no end by then: failed (R3.2)
    Duration pause = std::chrono::seconds(30);  // before it is done again; doubles each time
    std::uint16_t attempts = 3;
    bool asks = false;  // then the operator is asked; else it is given up
};

struct Policy {
    Backup backup = Backup::by_device;
    Restore restore = Restore::if_lost;
    bool converts = false;         // the backup is not in the new software's format
    bool applies_at_once = false;  // transfer installs and resets too (CWMP's Download)
    bool resets_apart = true;      // needs an order to run what is installed
    // Without a kept image a failed upgrade cannot be taken back: refused at precheck.
    bool needs_kept_image = true;
    bool rolls_back = true;   // false: a restore alone, which has nothing to go back to
    std::uint16_t tries = 2;  // of the whole upgrade: after a roll-back it is tried again
    std::array<Rule, kSteps> rules = default_rules();

    const Rule& rule(Step step) const { return rules[static_cast<std::size_t>(step)]; }
    Rule& rule(Step step) { return rules[static_cast<std::size_t>(step)]; }

    static std::array<Rule, kSteps> default_rules();
};

inline constexpr Duration kPauseMax = std::chrono::hours(1);

// R3 as written: no upgrade without a backup, and every upgrade ends with its restore.
Policy backup_and_restore_always();

// The error names the member at fault.
Result<void> check(const Policy& policy);

}  // namespace sluice::upgrade
