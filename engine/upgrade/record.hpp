#pragma once
// All that one device's safe upgrade is, between two events. Whoever keeps it gives it back after a
// restart, and the procedure goes on where it was; what it needs beside it (where the backup lies,
// which image) is the shell's, under the same key.

#include <cstdint>
#include <string_view>

#include "engine/base/time.hpp"
#include "engine/upgrade/step.hpp"

namespace sluice::upgrade {

enum class End : std::uint8_t {
    none,
    done,         // runs the wanted version, healthy, with its configuration
    unchanged,    // was never touched
    rolled_back,  // runs the kept image with the configuration it had
    abandoned,    // the operator declined while it was being rolled back: it needs hands
};
std::string_view name_of(End end);

enum class Reason : std::uint8_t {
    none,
    no_end,         // not over within the step's limit
    failure,        // the device or a server says so
    refusal,        // and that it would be so every time
    not_the_same,   // what was read back is not what was sent
    reverted,       // went back to the kept image by itself
    no_backup,      // required, and the device cannot upload its configuration
    no_kept_image,  // needed, and the device has none
    already_there,  // it runs the wanted version: nothing to do
    declined,       // by the operator
    called_off,     // by the operator
};
std::string_view describe(Reason reason);  // empty for none

struct Record {
    Step step = Step::precheck;
    Step question = Step::end;  // where the operator is asked; end: not asked
    End end = End::none;
    Reason reason = Reason::none;  // of the last failure
    Reason cause = Reason::none;   // of the last roll-back
    std::uint16_t attempts = 0;    // of the step, or of the one that it looks at
    std::uint16_t tries = 0;       // of the whole upgrade, this one included
    std::uint32_t number = 0;      // of the last thing asked for
    bool is_open = false;          // it was asked for, and has not ended
    bool can_back_up = false;      // as precheck found
    bool has_backup = false;       // verified
    // The other slot may hold something else, in this try; and whoever's power is cut behind an
    // install may run it, before anybody ordered a reset.
    bool is_touched = false;
    bool is_corrected = false;   // the operator's own configuration: not converted
    bool is_called_off = false;  // after the roll-back there is no further try
    Instant since{};             // when the step, or its question, began
    Instant not_before{};        // the pause before it is done again
    Instant started{}, ended{};
};

}  // namespace sluice::upgrade
