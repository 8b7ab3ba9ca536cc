// A host installing what it fetched: the installer's steps take their time on the flash, and power
// may be cut in any of them.
#include <utility>

#include "engine/base/overloaded.hpp"
#include "sim/world/host.hpp"

namespace sluice::sim::world {
namespace {

constexpr std::uint32_t kNewSecurityVersion = 2;  // the factory's is 1

Duration seconds(double s) {
    return Duration(static_cast<Duration::rep>(s * 1e9));
}

}  // namespace

image::Digest Host::image_digest() {
    image::Digest digest;
    digest.bytes.fill(0x5a);
    return digest;
}

void Host::start_installer() {
    const auto record = flash_.record();
    if (!record) return;
    installer_.emplace(*record, running_);
    tell(install::Event{install::Booted{}});
}

// Once the image is whole and durable, unless it runs or is being tried already.
void Host::want_install() {
    if (!wants_install() || !installer_) return;
    if (runs_new_image() || (spec().is_new_image_bad && has_installed_)) return;
    if (const auto& state = installer_->boot_state(); state.is_on_trial) return;
    const auto after = spec().install_after.value_or(Duration{});
    around_.queue.push(
        {around_.now + after, EventType::install, index_.value, step(Step::request)});
}

void Host::order_install() {
    if (std::exchange(is_install_ordered_, true)) return;
    if (state_ == HostState::finished) want_install();
}

void Host::tell(const install::Event& event) {
    if (!installer_) return;
    around_.observer.on_event(*this, event, around_.now);
    install::Actions actions;
    installer_->on(event, around_.now, actions);
    for (const auto& action : actions) {
        around_.observer.on_action(*this, action, around_.now);
        act(action);
        if (!installer_) return;  // it asked for a reboot
    }
    arm_timer();
}

// No default arm: a new Action is a build error here until it is handled.
void Host::act(const install::Action& action) {
    const auto& costs = around_.site.costs;
    const auto image_time = seconds(static_cast<double>(layout().length) / costs.flash_bytes_per_s);
    const auto after = [&](Duration takes, Step what) {
        around_.queue.push({around_.now + takes, EventType::install, index_.value, step(what)});
    };
    std::visit(Overloaded{
                   [&](const install::RecordState&) {
                       flash_.begin_record(installer_->state_to_record());
                       after(costs.sync, Step::record);
                   },
                   [&](const install::WriteSlot& a) {
                       slot_ = a.slot;
                       flash_.begin_slot(a.slot);
                       after(image_time, Step::write);
                   },
                   [&](const install::SyncSlot&) { after(costs.sync, Step::sync); },
                   [&](const install::VerifySlot&) { after(image_time, Step::verify); },
                   [&](const install::CheckHealth&) { after(costs.health, Step::health); },
                   [&](const install::Reboot&) { reboot(); },
                   [&](const install::Report& a) {
                       if (a.outcome == install::Outcome::installed) {
                           has_installed_ = true;
                           around_.observer.on_installed(*this, around_.now);
                       }
                   },
               },
               action);
}

std::uint64_t Host::step(Step what) const {
    return life_ << 8 | static_cast<std::uint64_t>(what);
}

void Host::on_install_step(std::uint64_t detail) {
    if (detail >> 8 != life_ || !installer_) return;
    switch (static_cast<Step>(detail & 0xff)) {
        case Step::request:
            installer_->set_order({layout().length, image_digest(), kNewSecurityVersion});
            return tell(install::Event{install::InstallRequested{}});
        case Step::record:
            flash_.finish_record();
            return tell(install::Event{install::StateRecorded{}});
        case Step::write:
            flash_.finish_slot(slot_, image_digest());
            return tell(install::Event{install::SlotWritten{}});
        case Step::sync:
            flash_.sync_slot(slot_);
            return tell(install::Event{install::SlotSynced{}});
        case Step::verify:
            if (flash_.image_in(slot_) == image_digest()) {
                return tell(install::Event{install::SlotVerified{}});
            }
            return tell(install::Event{install::SlotRefused{}});
        case Step::health: {
            const bool is_healthy = !spec().is_new_image_bad || !runs_new_image();
            tell(install::Event{install::HealthReported{is_healthy}});
            if (!is_healthy || !installer_) return;
            around_.queue.push({around_.now + around_.site.costs.health, EventType::install,
                                index_.value, step(Step::inform)});
            return;
        }
        case Step::inform:
            return tell(install::Event{install::InformAccepted{}});
    }
}

bool Host::runs_new_image() const {
    return flash_.image_in(running_) == image_digest();
}

bool Host::is_install_settled() const {
    if (!wants_install()) return true;
    if (!installer_ || is_rebooting_) return false;
    const auto& state = installer_->boot_state();
    if (state.is_on_trial) return false;
    return runs_new_image() || (spec().is_new_image_bad && has_installed_);
}

// As `reboot` does it: processes end and say so, then the loader chooses.
void Host::reboot() {
    kill();
    is_rebooting_ = true;
    has_power_cycled_ = true;
    around_.queue.push(
        {around_.now + around_.site.costs.reboot, EventType::reboot, index_.value, life_});
}

void Host::on_reboot(std::uint64_t life) {
    if (life != life_) return;
    boot();
}

}  // namespace sluice::sim::world
