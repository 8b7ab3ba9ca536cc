#pragma once
// What becomes of a whole image on this device, and of the device after it: the two slots with
// engine/install's machine, or a vendor's own command; the health command; the reboot. Everything
// that copies or waits runs on a thread of its own.
//
// I/O thread, but for open().

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/disk/disk.hpp"
#include "agent/installer.hpp"
#include "agent/management/alarm.hpp"
#include "agent/management/library.hpp"
#include "agent/management/settings.hpp"
#include "agent/worker.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::agent::management {

class UpgradeListener {
public:
    virtual ~UpgradeListener() = default;
    // The trial's health is known; durable in the boot record when it is good.
    virtual void on_health(bool is_healthy, const std::string& why) = 0;
    virtual void on_committed() = 0;
    virtual void on_fell_back() = 0;
    // The installer wants the device to start again; the caller says when.
    virtual void on_reboot_wanted() = 0;
};

// What the slots hold, as the boot record says it; a copy for the I/O thread.
struct SlotsView {
    std::optional<install::BootState> state;  // nothing without slots
    install::Slot running = install::Slot::a;

    bool is_on_trial() const { return state && state->is_on_trial && running != state->active; }
    // Installed, and not booted yet.
    bool is_flipped() const { return state && state->is_on_trial && running == state->active; }
    const image::Digest& running_sha256() const { return state->at(running).sha256; }
};

class Upgrader {
public:
    // All outlive it.
    Upgrader(boost::asio::io_context& io, disk::Disk& disk, const Settings& settings,
             UpgradeListener& listener)
        : io_(io), disk_(disk), settings_(settings), listener_(listener), deadline_(io) {}

    // Before the I/O thread runs: decides which slot this is (as a boot loader would, where the
    // process restarts itself), and opens the record. Blocks.
    Result<void> open();
    // Once, first: says what the boot means through the listener, then `then`.
    void booted(std::function<void()> then);

    const SlotsView& slots() const { return view_; }
    // Of all that was ever committed, the highest.
    std::uint32_t security_version() const {
        return view_.state ? view_.state->security_version : settings_.security_version;
    }
    bool can_install() const { return installer_ != nullptr || !settings_.install_command.empty(); }

    using Installed = std::function<void(const Result<void>&)>;
    // Into the inactive slot and flipped, or by the vendor's command. The reboot is the caller's.
    void install(const std::shared_ptr<StoredImage>& image, Installed then);
    // The other slot's image boots next, on trial. Only with slots. The reboot is the caller's.
    void go_to_kept(Installed then);
    // What was installed and not booted yet is called off. Only with slots.
    void stay(Installed then);
    // An Inform of this boot was accepted. `then` once that is durable.
    void inform_accepted(Installed then);
    // Runs the health command where no slot's trial does.
    void check_health(std::function<void(bool is_healthy, const std::string& why)> then);

    // Runs the idle command, which is there: whether nobody uses the device now.
    void check_idle(std::function<void(bool is_idle)> then);

    // Ends the process or the system, or says why not. A command may return before the system ends.
    Result<void> reboot();

    std::string version;  // of the running software: for commands

private:
    void on_slots(install::Event event, Installed then = nullptr);
    void change_slots(std::function<Result<void>()> change, Installed then);
    void tell(const install::Actions& actions);
    void arm(Instant deadline);
    std::pair<bool, std::string> run_health() const;

    boost::asio::io_context& io_;
    disk::Disk& disk_;
    const Settings& settings_;
    UpgradeListener& listener_;
    std::unique_ptr<TwoSlotInstaller> installer_;  // on the worker once booted() was called
    SlotsView view_;
    Alarm deadline_;                  // the installer's
    std::unique_ptr<Worker> worker_;  // last: its jobs use the rest
};

}  // namespace sluice::agent::management
