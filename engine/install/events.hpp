#pragma once
// What happens to the installer of one device and what it asks for. Image bytes never pass here.

#include <cstdint>
#include <type_traits>
#include <variant>
#include <vector>

#include "engine/install/boot_state.hpp"

namespace sluice::install {

enum class Outcome : std::uint8_t {
    installed,      // the slot is whole and boots next
    committed,      // the new image stays; the security version is its own
    stays,          // the image that runs boots next: nothing is to be tried any more
    fell_back,      // the trial failed; the kept image runs
    refused_older,  // its security version is below the device's
    refused_busy,   // an install or a trial is under way: the other slot must stay
    refused_none,   // the other slot holds no whole image
    write_failed,   // the slot could not be written or synced
    verify_failed,  // the slot does not read back as the image
    record_failed,  // the boot state could not be written
};

// --- events -------------------------------------------------------------------------------

struct Booted {};            // once, first, in the slot given to the Installer
struct InstallRequested {};  // of the image given to set_order; it is verified and durable
struct KeptRequested {};     // back to the image that the other slot holds
struct StayRequested {};     // the image that runs boots next, whatever was installed since
struct StateRecorded {};     // state_to_record() is durable
struct SlotWritten {};
struct SlotSynced {};    // durable
struct SlotVerified {};  // read back whole, its SHA-256 is the order's
struct SlotRefused {};   // read back, and it is not
struct StepFailed {};    // the step last asked for could not be done
struct HealthReported {
    bool is_healthy;
};
struct InformAccepted {};  // the ACS answered an Inform of this boot
struct DeadlinePassed {};

using Event = std::variant<Booted, InstallRequested, KeptRequested, StayRequested, StateRecorded,
                           SlotWritten, SlotSynced, SlotVerified, SlotRefused, StepFailed,
                           HealthReported, InformAccepted, DeadlinePassed>;

// --- actions ------------------------------------------------------------------------------

// At most one of the first four is open at a time; each is answered by its event or StepFailed.
struct RecordState {};  // make state_to_record() durable
struct WriteSlot {
    Slot slot;
};  // the whole image into the slot, from its first byte
struct SyncSlot {
    Slot slot;
};
struct VerifySlot {
    Slot slot;
};                      // read all of it from the medium
struct CheckHealth {};  // answer with HealthReported once that is known
struct Reboot {};
struct Report {
    Outcome outcome;
    Slot slot;
};

using Action =
    std::variant<RecordState, WriteSlot, SyncSlot, VerifySlot, CheckHealth, Reboot, Report>;
using Actions = std::vector<Action>;

static_assert(std::is_trivially_copyable_v<Event> && sizeof(Event) <= 32);
static_assert(std::is_trivially_copyable_v<Action> && sizeof(Action) <= 32);

}  // namespace sluice::install
