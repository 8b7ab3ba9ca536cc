#include "engine/install/installer.hpp"

#include <algorithm>

namespace sluice::install {

Installer::Installer(const BootState& state, Slot running, const InstallPolicy& policy)
    : state_(state), next_(state), running_(running), policy_(policy) {}

void Installer::on(const Event& event, Instant now, Actions& out) {
    std::visit([&](const auto& what) { handle(what, now, out); }, event);
}

void Installer::handle(const Booted&, Instant now, Actions& out) {
    next_ = state_;
    if (is_on_trial()) {
        phase_ = Phase::checking;
        deadline_ = now + policy_.health_timeout;
        out.push_back(CheckHealth{});
    } else if (running_ != state_.active) {
        // The loader found the active slot wanting and started this one.
        next_.active = running_;
        next_.is_on_trial = false;
        record(Phase::settling, out);
    } else if (state_.is_on_trial && state_.tries_left == 0) {
        next_.is_on_trial = false;
        record(Phase::settling, out);
    } else if (state_.is_on_trial) {
        // The process was started again between flip and reboot.
        phase_ = Phase::flipped;
        out.push_back(Reboot{});
    }
}

void Installer::handle(const InstallRequested&, Instant now, Actions& out) {
    if (phase_ != Phase::idle && phase_ != Phase::flipped) {
        out.push_back(Report{Outcome::refused_busy, target()});
        return;
    }
    if (order_.security_version < state_.security_version) {
        out.push_back(Report{Outcome::refused_older, target()});
        return;
    }
    next_ = state_;
    next_.active = running_;
    next_.is_on_trial = false;
    next_.at(target()) = {};
    phase_ = Phase::clearing;
    // Already durable so when the last install was cut short.
    if (is_state_sure_ && next_ == state_) return handle(StateRecorded{}, now, out);
    record(Phase::clearing, out);
}

void Installer::handle(const KeptRequested&, Instant, Actions& out) {
    const auto& kept = state_.at(target());
    if (phase_ != Phase::idle) return out.push_back(Report{Outcome::refused_busy, target()});
    if (!kept.is_whole) return out.push_back(Report{Outcome::refused_none, target()});
    order_ = {kept.length, kept.sha256, kept.security_version};
    phase_ = Phase::verifying;
    out.push_back(VerifySlot{target()});
}

void Installer::handle(const StayRequested&, Instant, Actions& out) {
    const bool is_settled = phase_ == Phase::idle || phase_ == Phase::flipped;
    if (!is_settled || running_ != state_.active)
        return out.push_back(Report{Outcome::refused_busy, target()});
    if (is_state_sure_ && !state_.is_on_trial) return end(Outcome::stays, running_, out);
    next_ = state_;
    next_.is_on_trial = false;
    record(Phase::staying, out);
}

void Installer::handle(const SlotWritten&, Instant, Actions& out) {
    if (phase_ != Phase::writing) return;
    phase_ = Phase::syncing;
    out.push_back(SyncSlot{target()});
}

void Installer::handle(const SlotSynced&, Instant, Actions& out) {
    if (phase_ != Phase::syncing) return;
    phase_ = Phase::verifying;
    out.push_back(VerifySlot{target()});
}

void Installer::handle(const SlotVerified&, Instant, Actions& out) {
    if (phase_ != Phase::verifying) return;
    next_ = state_;
    next_.active = running_;
    next_.at(target()) = {true, order_.security_version, order_.length, order_.sha256};
    next_.is_on_trial = true;
    next_.tries_left = policy_.tries;
    next_.was_healthy = false;
    next_.hours_left = static_cast<std::uint16_t>(
        std::clamp<std::int64_t>(policy_.commit_timeout.count(), 1, UINT16_MAX));
    record(Phase::flipping, out);
}

void Installer::handle(const SlotRefused&, Instant, Actions& out) {
    if (phase_ == Phase::verifying) end(Outcome::verify_failed, target(), out);
}

void Installer::handle(const HealthReported& report, Instant, Actions& out) {
    if (phase_ != Phase::checking && phase_ != Phase::healthy) return;
    if (!report.is_healthy) return leave(out);
    if (phase_ == Phase::healthy) return;
    next_ = state_;
    next_.tries_left = policy_.tries;
    // A reboot of a trial that was healthy before costs as much as an hour.
    if (state_.was_healthy && next_.hours_left > 0) --next_.hours_left;
    next_.was_healthy = true;
    record(Phase::passing, out);
}

void Installer::handle(const InformAccepted&, Instant, Actions& out) {
    if (phase_ == Phase::passing) is_informed_ = true;
    if (phase_ == Phase::healthy) commit(out);
}

void Installer::handle(const DeadlinePassed&, Instant now, Actions& out) {
    if (now < deadline_) return;
    deadline_ = Instant::never();
    if (phase_ == Phase::checking) leave(out);
    if (phase_ == Phase::healthy) pass_hour(out);
}

void Installer::handle(const StateRecorded&, Instant now, Actions& out) {
    state_ = next_;
    is_state_sure_ = true;
    switch (phase_) {
        case Phase::settling:
            return end(Outcome::fell_back, state_.active, out);
        case Phase::clearing:
            phase_ = Phase::writing;
            out.push_back(WriteSlot{target()});
            return;
        case Phase::flipping:
            phase_ = Phase::flipped;
            out.push_back(Report{Outcome::installed, target()});
            out.push_back(Reboot{});
            return;
        case Phase::staying:
            return end(Outcome::stays, running_, out);
        case Phase::passing:
            if (is_informed_) return commit(out);
            return wait_for_inform(now);
        case Phase::committing:
            return end(Outcome::committed, state_.active, out);
        case Phase::giving_up:
            return leave(out);
        case Phase::idle:
        case Phase::writing:
        case Phase::syncing:
        case Phase::verifying:
        case Phase::flipped:
        case Phase::checking:
        case Phase::healthy:
        case Phase::leaving:
            return;  // nothing was being recorded
    }
}

void Installer::handle(const StepFailed&, Instant now, Actions& out) {
    switch (phase_) {
        case Phase::writing:
        case Phase::syncing:
        case Phase::verifying:
            return end(Outcome::write_failed, target(), out);
        case Phase::settling:
        case Phase::clearing:
        case Phase::flipping:
        case Phase::staying:
            distrust_record();
            return end(Outcome::record_failed, target(), out);
        // On trial a record is tried again: the next hour comes, and Informs come daily.
        case Phase::passing:
        case Phase::committing:
        case Phase::giving_up:
            distrust_record();
            return wait_for_inform(now);
        case Phase::idle:
        case Phase::flipped:
        case Phase::checking:
        case Phase::healthy:
        case Phase::leaving:
            return;
    }
}

// What could not be recorded may be on the medium all the same: its number is not used again, and
// nothing is taken for recorded that was not recorded since.
void Installer::distrust_record() {
    state_.sequence = next_.sequence;
    is_state_sure_ = false;
}

void Installer::record(Phase phase, Actions& out) {
    phase_ = phase;
    next_.sequence = state_.sequence + 1;
    deadline_ = Instant::never();
    out.push_back(RecordState{});
}

void Installer::wait_for_inform(Instant now) {
    phase_ = Phase::healthy;
    is_informed_ = false;
    deadline_ = now + std::chrono::hours(1);
}

void Installer::commit(Actions& out) {
    next_ = state_;
    next_.active = running_;
    next_.is_on_trial = false;
    next_.security_version =
        std::max(state_.security_version, state_.at(running_).security_version);
    record(Phase::committing, out);
}

// An hour without an accepted Inform.
void Installer::pass_hour(Actions& out) {
    next_ = state_;
    if (next_.hours_left > 0) --next_.hours_left;
    if (next_.hours_left > 0) return record(Phase::passing, out);
    next_.tries_left = 0;
    record(Phase::giving_up, out);
}

void Installer::leave(Actions& out) {
    phase_ = Phase::leaving;
    deadline_ = Instant::never();
    out.push_back(Reboot{});
}

void Installer::end(Outcome outcome, Slot slot, Actions& out) {
    phase_ = Phase::idle;
    deadline_ = Instant::never();
    out.push_back(Report{outcome, slot});
}

}  // namespace sluice::install
