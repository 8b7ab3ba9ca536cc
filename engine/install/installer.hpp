#pragma once
// Puts a verified image into the slot that is not running, tries it, and keeps it or goes back.
// Events in, actions out; the agent runs it on a disk, the simulator in virtual time.
//
// The rule in short. The record first forgets the slot that is going to be written; then the slot
// is written, synced, read back against the image's SHA-256; then one record makes it the next to
// boot (the flip). On trial, the boot loader counts tries down; local health fills them up again;
// one Inform accepted after health commits, and only then does the security version rise. Tries
// used up, or no accepted Inform within commit_timeout: back to the kept slot, which nobody
// touched.
//
// Back to the kept image on order is the same trial, of what the slot holds: read first, but not
// held to the security version. It was let in when it came, and it is no download. Where the kept
// image runs still, an install that was never booted is called off: the flip is taken back.

#include <optional>

#include "engine/base/time.hpp"
#include "engine/install/boot_state.hpp"
#include "engine/install/events.hpp"

namespace sluice::install {

struct InstallPolicy {
    std::uint8_t tries = 3;
    // A trial boot that is not healthy by then is over; the next try follows.
    Duration health_timeout = std::chrono::minutes(10);
    // From the first healthy boot to an accepted Inform. Counted in the record, an hour at a time,
    // so that a device cannot stay on trial for ever by being switched off every day.
    std::chrono::hours commit_timeout{24};
};

// Whether the slot that does not run may have run since this one last did, as far as the record
// knows: asked before Booted settles it.
inline bool may_other_have_run(const BootState& state, Slot running,
                               const InstallPolicy& policy = {}) {
    if (running != state.active) return !state.is_on_trial;  // the loader gave the active one up
    return state.is_on_trial && (state.was_healthy || state.tries_left < policy.tries);
}

// The image to install, as its manifest says.
struct Order {
    std::uint64_t length = 0;
    image::Digest sha256;
    std::uint32_t security_version = 0;
};

class Installer {
public:
    // `state` is durable; `running` is the slot the device was booted from.
    Installer(const BootState& state, Slot running, const InstallPolicy& policy = {});

    // What the next InstallRequested means.
    void set_order(const Order& order) { order_ = order; }

    void on(const Event& event, Instant now, Actions& out);
    Instant next_deadline() const { return deadline_; }

    // Durable, as far as this object knows.
    const BootState& boot_state() const { return state_; }
    // What the open RecordState is about.
    const BootState& state_to_record() const { return next_; }
    Slot running() const { return running_; }
    bool is_on_trial() const { return state_.is_on_trial && running_ != state_.active; }

private:
    enum class Phase : std::uint8_t {
        idle,
        settling,  // recording that the trial is over, or that the loader chose for us
        clearing,  // recording that the slot is no longer whole
        writing,
        syncing,
        verifying,
        flipping,  // recording the trial
        flipped,   // waits for the reboot
        staying,   // recording that the flip is taken back
        checking,  // on trial: waits for health
        passing,   // recording health, or an hour gone
        healthy,   // on trial: waits for an accepted Inform
        committing,
        giving_up,  // recording that no try is left
        leaving,    // asked for a reboot
    };

    void handle(const Booted&, Instant now, Actions& out);
    void handle(const InstallRequested&, Instant now, Actions& out);
    void handle(const KeptRequested&, Instant now, Actions& out);
    void handle(const StayRequested&, Instant now, Actions& out);
    void handle(const StateRecorded&, Instant now, Actions& out);
    void handle(const SlotWritten&, Instant now, Actions& out);
    void handle(const SlotSynced&, Instant now, Actions& out);
    void handle(const SlotVerified&, Instant now, Actions& out);
    void handle(const SlotRefused&, Instant now, Actions& out);
    void handle(const StepFailed&, Instant now, Actions& out);
    void handle(const HealthReported&, Instant now, Actions& out);
    void handle(const InformAccepted&, Instant now, Actions& out);
    void handle(const DeadlinePassed&, Instant now, Actions& out);

    Slot target() const { return other(running_); }
    void distrust_record();
    void record(Phase phase, Actions& out);
    void commit(Actions& out);
    void pass_hour(Actions& out);
    void wait_for_inform(Instant now);
    void leave(Actions& out);
    void end(Outcome outcome, Slot slot, Actions& out);

    BootState state_;
    BootState next_;
    Slot running_;
    InstallPolicy policy_;
    Order order_;
    Phase phase_ = Phase::idle;
    bool is_informed_ = false;   // since health
    bool is_state_sure_ = true;  // false: a failed record may be on the medium all the same
    Instant deadline_ = Instant::never();
};

}  // namespace sluice::install
