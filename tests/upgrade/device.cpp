#include "tests/upgrade/device.hpp"

namespace sluice::upgrade {

std::optional<Event> Device::carry_out(const Do& what) {
    const bool is_cut = happens(world_.power_cut);
    const bool is_before = is_cut && happens(0.3);  // nothing had begun
    if (is_before) return std::nullopt;
    if (what.step == Step::precheck) {
        if (is_cut) return std::nullopt;
        return Found{what.number, runs_new(), true, true};
    }
    const bool fails = happens(world_.step_fails);
    const auto outcome = fails ? Outcome::failed : do_step(what.step, is_cut);
    if (is_cut) return std::nullopt;
    return Ended{what.number, outcome, Reason::failure};
}

Outcome Device::write_slot(bool is_cut) {
    slots_[1 - active_] = is_cut ? Image::torn : Image::wanted;
    return is_cut ? Outcome::failed : Outcome::done;
}

// As engine/install does: only a whole slot boots, and a trial that is never healthy is left.
void Device::boot(std::size_t slot) {
    if (slots_[slot] == Image::torn) return;
    if (slots_[slot] == Image::wanted && world_.is_image_bad) {
        is_reverted_ = true;
        return;
    }
    if (slots_[slot] == Image::wanted && active_ != slot && world_.loses_configuration)
        configuration_ = "default";
    active_ = slot;
}

// The device keeps two copies: cut in the middle, it has one or the other.
Outcome Device::settle(std::string configuration, bool is_cut) {
    if (!is_cut || happens(0.5)) configuration_ = std::move(configuration);
    return Outcome::done;
}

Outcome Device::do_step(Step step, bool is_cut) {
    switch (step) {
        case Step::back_up:
            backup_ = happens(world_.bad_backup) ? configuration_.substr(0, 3) : configuration_;
            return Outcome::done;
        case Step::verify_backup:
            return backup_ == configuration_ ? Outcome::done : Outcome::failed;
        case Step::transfer:
            if (runs_new()) return Outcome::done;
            is_reverted_ = false;
            if (write_slot(is_cut) == Outcome::failed || !policy_.applies_at_once)
                return is_cut ? Outcome::failed : Outcome::done;
            boot(1 - active_);
            return is_reverted_ ? Outcome::reverted : Outcome::done;
        case Step::install:
            return runs_new() ? Outcome::done : write_slot(is_cut);
        case Step::reset:
            if (!runs_new()) boot(1 - active_);
            return Outcome::done;
        case Step::verify:
            if (runs_new()) return Outcome::done;
            return is_reverted_ ? Outcome::reverted : Outcome::failed;
        case Step::compare:
            return configuration_ == backup_ && !world_.needs_conversion ? Outcome::done
                                                                         : Outcome::lost;
        case Step::convert:
            converted_ = "2" + backup_.substr(1);
            return Outcome::done;
        case Step::restore:
            return settle(policy_.converts ? converted_ : backup_, is_cut);
        case Step::verify_restore:
            return has_its_configuration() ? Outcome::done : Outcome::failed;
        case Step::roll_back:
            if (runs_new()) active_ = 1 - active_;
            return Outcome::done;
        case Step::verify_roll_back:
            return runs_new() ? Outcome::failed : Outcome::done;
        case Step::put_back:
            return settle(backup_, is_cut);
        case Step::verify_put_back:
            return configuration_ == backup_ ? Outcome::done : Outcome::failed;
        case Step::precheck:
        case Step::end:
            break;
    }
    return Outcome::failed;
}

}  // namespace sluice::upgrade
