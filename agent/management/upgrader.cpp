#include "agent/management/upgrader.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <linux/close_range.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/boot_record.hpp"
#include "agent/clock.hpp"
#include "agent/image_installer.hpp"
#include "agent/management/device_command.hpp"
#include "agent/management/proc_files.hpp"
#include "engine/base/overloaded.hpp"
#include "engine/net/log.hpp"

namespace sluice::agent::management {
namespace {

constexpr std::chrono::minutes kCommandTimeout{5};

}  // namespace

// --- starting ------------------------------------------------------------------------------------

Result<void> Upgrader::open() {
    worker_ = std::make_unique<Worker>();
    if (settings_.slots.empty()) return success();
    SLUICE_TRY(const auto record, BootRecord::open(disk_, settings_.slots));
    std::optional<install::Slot> running;
    if (!settings_.restarts_itself()) {
        running = slot_of_kernel(disk_);
    } else if (record) {
        SLUICE_TRY(running, start_boot(disk_, settings_.slots));
    } else {
        running = install::Slot::a;
    }
    SLUICE_TRY(installer_,
               TwoSlotInstaller::open(disk_, settings_.slots, running, settings_.security_version));
    view_.state = installer_->boot_state();
    view_.running = running.value_or(view_.state->active);
    return success();
}

void Upgrader::booted(std::function<void()> then) {
    if (!installer_) return boost::asio::post(io_, std::move(then));
    on_slots(install::Booted{}, [then = std::move(then)](const Result<void>&) { then(); });
}

// --- the slots -----------------------------------------------------------------------------------

void Upgrader::on_slots(install::Event event, Installed then) {
    worker_->post([this, event, then = std::move(then)] {
        const auto actions = installer_->on(event, monotonic_now());
        Result<void> done = success();
        for (const auto& action : actions) {
            const auto* report = std::get_if<install::Report>(&action);
            if (report != nullptr && report->outcome == install::Outcome::record_failed)
                done = installer_->last_error();
        }
        boost::asio::post(
            io_, [this, actions, then, done = std::move(done), state = installer_->boot_state(),
                  deadline = installer_->next_deadline()] {
                view_.state = state;
                arm(deadline);
                tell(actions);
                if (then) then(done);
            });
    });
}

void Upgrader::tell(const install::Actions& actions) {
    const auto on_report = [this](const install::Report& report) {
        if (report.outcome == install::Outcome::committed) listener_.on_committed();
        if (report.outcome == install::Outcome::fell_back) listener_.on_fell_back();
    };
    for (const auto& action : actions) {
        std::visit(Overloaded{
                       [](const install::RecordState&) {},  // the installer's own work
                       [](const install::WriteSlot&) {},
                       [](const install::SyncSlot&) {},
                       [](const install::VerifySlot&) {},
                       [&](const install::CheckHealth&) {
                           check_health([this](bool is_healthy, const std::string& why) {
                               // Told before the reboot that may follow, and after a good health is
                               // durable.
                               if (!is_healthy) listener_.on_health(false, why);
                               on_slots(install::HealthReported{is_healthy},
                                        [this, is_healthy](const Result<void>&) {
                                            if (is_healthy) listener_.on_health(true, {});
                                        });
                           });
                       },
                       [&](const install::Reboot&) { listener_.on_reboot_wanted(); },
                       on_report,
                   },
                   action);
    }
}

void Upgrader::arm(Instant deadline) {
    if (deadline == Instant::never()) return deadline_.cancel();
    deadline_.set(deadline - monotonic_now(), [this] { on_slots(install::DeadlinePassed{}); });
}

void Upgrader::install(const std::shared_ptr<StoredImage>& image, Installed then) {
    worker_->post([this, image, then = std::move(then)] {
        Result<void> done = success();
        const auto& manifest = image->manifest;
        if (!installer_) {
            done = install_by_command(settings_.install_command, *image->store, manifest);
        } else {
            const install::Order order{manifest.layout.length, manifest.sha256,
                                       manifest.security_version};
            const auto slot = installer_->install(*image->store, order, monotonic_now());
            if (!slot) done = slot.error();
        }
        auto state = installer_ ? std::optional(installer_->boot_state()) : std::nullopt;
        boost::asio::post(io_, [this, then, done = std::move(done), state] {
            view_.state = state;
            then(done);
        });
    });
}

void Upgrader::go_to_kept(Installed then) {
    change_slots(
        [this]() -> Result<void> {
            SLUICE_CHECK(installer_->go_to_kept(monotonic_now()));
            return success();
        },
        std::move(then));
}

void Upgrader::stay(Installed then) {
    change_slots([this] { return installer_->stay(monotonic_now()); }, std::move(then));
}

void Upgrader::change_slots(std::function<Result<void>()> change, Installed then) {
    worker_->post([this, change = std::move(change), then = std::move(then)] {
        auto done = change();
        boost::asio::post(io_,
                          [this, then, done = std::move(done), state = installer_->boot_state()] {
                              view_.state = state;
                              then(done);
                          });
    });
}

void Upgrader::inform_accepted(Installed then) {
    if (!installer_) {
        boost::asio::post(io_, [then = std::move(then)] { then(success()); });
        return;
    }
    on_slots(install::InformAccepted{}, std::move(then));
}

// --- commands ------------------------------------------------------------------------------------

std::pair<bool, std::string> Upgrader::run_health() const {
    if (settings_.health_command.empty()) return {true, {}};
    const char slot = install::letter(view_.running);
    const InstallSubject subject{
        settings_.slots + "/" + slot + ".img", version, {}, std::string(1, slot)};
    const auto done =
        run_device_command("health command", settings_.health_command, kCommandTimeout, subject);
    return {done.has_value(), done ? std::string() : done.error().message};
}

void Upgrader::check_health(std::function<void(bool, const std::string&)> then) {
    worker_->post([this, then = std::move(then)] {
        auto health = run_health();
        boost::asio::post(
            io_, [then, health = std::move(health)] { then(health.first, health.second); });
    });
}

void Upgrader::check_idle(std::function<void(bool)> then) {
    worker_->post([this, then = std::move(then)] {
        const auto asked = run_device_command("idle command", settings_.idle_command,
                                              kCommandTimeout, {{}, version, {}, {}});
        boost::asio::post(io_, [then, is_idle = asked.has_value()] { then(is_idle); });
    });
}

Result<void> Upgrader::reboot() {
    if (settings_.restarts_itself()) {
        // The next life binds the same ports: no descriptor of ours goes into it.
        ::syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC);
        const auto words = own_command_line(disk_);
        std::vector<char*> argv;
        for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
        argv.push_back(nullptr);
        ::execv("/proc/self/exe", argv.data());
        return Error{"restart: the program cannot be started again"};
    }
    return run_device_command("reboot command", settings_.reboot_command, kCommandTimeout, {});
}

}  // namespace sluice::agent::management
