#include "agent/management/device.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>

#include "agent/clock.hpp"
#include "agent/management/order_book.hpp"
#include "engine/base/overloaded.hpp"
#include "engine/base/utc.hpp"
#include "engine/cwmp/codec.hpp"
#include "engine/net/log.hpp"

namespace sluice::agent::management {
namespace {

std::string joined(const std::vector<cwmp::EventStruct>& events) {
    std::string out;
    for (const auto& event : events) out += (out.empty() ? "" : ",") + event.event_code;
    return out;
}

}  // namespace

// --- when sessions begin -------------------------------------------------------------------------

void Device::poke(const cwmp::ScheduleEvent& event) {
    if (!is_reporting_ || is_going_down_) return;
    cwmp::ScheduleActions out;
    schedule_.on(event, monotonic_now(), out);
    for (const auto& begin : out) begin_session(begin);
    arm_schedule();
}

void Device::arm_schedule() {
    const auto due = schedule_.next_deadline();
    if (due == Instant::never()) return schedule_alarm_.cancel();
    schedule_alarm_.set(due - monotonic_now(), [this] { poke(cwmp::TimePassed{}); });
}

void Device::set_period() {
    const auto interval = model_->periodic_interval();
    cwmp::PeriodSet period{interval, std::nullopt};
    const auto time = model_->periodic_time();
    if (time && interval > Duration{})
        period.first_in = cwmp::until_period(*time, clock_.utc(monotonic_now()), interval);
    poke(period);
}

void Device::begin_session(const cwmp::BeginSession& how) {
    auto& events = ledger_->state.events;
    if (how.is_period_over) {
        events.period_passed();
        if (library_->expire()) ledger_->save();
    }
    if (how.is_called) events.called();
    auto report = events.begin_session();
    const auto live = live_facts();
    version_informed_ = live.software_version;
    cwmp::Inform inform;
    inform.device = model_->id();
    inform.events = report.events;
    inform.current_time = format_utc(clock_.utc(monotonic_now()));
    inform.retry_count = how.retry_count;
    inform.parameters = model_->inform_parameters(live);
    report_.write("inform", {{"events", joined(report.events)},
                             {"version", live.software_version},
                             {"state", live.state}});
    client_.begin(model_->acs_url(), model_->acs_credentials(), std::move(inform),
                  std::move(report.transfers));
}

LiveFacts Device::live_facts() {
    LiveFacts live;
    const auto& slots = upgrader_->slots();
    live.software_version = upgrader_->version;
    live.security_version = upgrader_->security_version();
    live.connection_url = connection_url_;
    live.file_server_url = library_->url();
    live.is_healthy = is_healthy_;
    live.cpu_percent = cpu_.percent();
    live.configuration = configurator_->facts();
    if (slots.state) add_slot_facts(live);
    live.state = ledger_->state.last.state;
    if (slots.is_on_trial()) live.state = "Trial";
    if (!orders_->activity().empty()) live.state = orders_->activity();
    struct statvfs room {};
    if (::statvfs(settings_.store.c_str(), &room) == 0)
        live.cache_bytes = std::uint64_t{room.f_bavail} * room.f_frsize;
    struct sysinfo system {};
    if (::sysinfo(&system) == 0) {
        live.memory_total_kib = std::uint64_t{system.totalram} * system.mem_unit / 1024;
        live.memory_free_kib = std::uint64_t{system.freeram} * system.mem_unit / 1024;
        live.up_seconds = static_cast<std::uint64_t>(system.uptime);
    }
    return live;
}

void Device::add_slot_facts(LiveFacts& live) const {
    const auto& slots = upgrader_->slots();
    const auto& state = ledger_->state;
    live.running = slots.running;
    live.next_boot = install::choose_boot(*slots.state).slot;
    live.is_upgrading = slots.state->is_on_trial || orders_->activity() == "Installing";
    for (const auto slot : {install::Slot::a, install::Slot::b}) {
        const auto& content = slots.state->at(slot);
        auto& facts = live.slots[static_cast<std::size_t>(slot)];
        facts.is_whole = content.is_whole;
        if (content.is_whole) facts.version = version_in(slot);
        const bool has_failed = !state.failure.empty() && content.sha256 == state.failed_image;
        if (has_failed && slot != slots.running) facts.failure = state.failure;
    }
}

// --- what a session tells ------------------------------------------------------------------------

void Device::inform_delivered(Then then) {
    ledger_->state.events.inform_delivered();
    ledger_->state.informed_version = version_informed_;
    ledger_->save([this, then = std::move(then)](const Result<void>& saved) {
        if (!saved) return then(false);
        if (!upgrader_->slots().is_on_trial()) return then(true);
        // The commit is durable before the ACS hears that the transfer is complete.
        upgrader_->inform_accepted(
            [this, then](const Result<void>&) { then(!upgrader_->slots().is_on_trial()); });
    });
}

void Device::transfer_delivered(const std::string& command_key, Then then) {
    ledger_->state.events.transfer_delivered(command_key);
    ledger_->save([this, command_key, then = std::move(then)](const Result<void>& saved) {
        if (saved) report_.write("delivered", {{"key", command_key}});
        then(saved.has_value());
    });
}

void Device::acs_said_time(UtcTime at_least) {
    clock_.acs_said(at_least, monotonic_now());
    ledger_->state.told = clock_.utc(monotonic_now());
    ledger_->state.has_acs_spoken = true;
}

void Device::session_over(const cwmp::SessionOver& how) {
    ledger_->state.events.session_over(how.is_success);
    if (!how.is_success) net::log_warning("session failed: " + how.why);
    report_.write("session", {{"success", std::uint64_t{how.is_success}}, {"why", how.why}});
    // Not from inside the client that ends.
    boost::asio::post(io_, [this, how] {
        held_end_ = cwmp::SessionEnded{how.is_success, how.retry_after};
        if (is_reboot_wanted_) return reboot_when_idle();
        go_on_after_session();
    });
}

void Device::go_on_after_session() {
    if (const auto ended = std::exchange(held_end_, std::nullopt)) poke(*ended);
    if (std::exchange(is_period_new_, false)) set_period();
    if (ledger_->state.events.is_report_due()) report_wanted();
    orders_->go_on();
}

// --- what the installer tells --------------------------------------------------------------------

void Device::on_health(bool is_healthy, const std::string& why) {
    is_healthy_ = is_healthy;
    auto& state = ledger_->state;
    auto* order = find_upgrade_under_way(state);
    if (!is_healthy) {
        net::log_warning("the new image is not healthy: " + why);
        report_.write("unhealthy", {{"why", why}});
        if (order != nullptr) order->note = why;
        if (upgrader_->slots().state) state.failed_image = upgrader_->slots().running_sha256();
        state.failure = why;
        return ledger_->save();
    }
    if (order != nullptr) {
        set_result(state, *order, {}, clock_.utc(monotonic_now()));
        order->phase = OrderPhase::trial;
    }
    report_.write("healthy");
    ledger_->save([this](const Result<void>&) { begin_reporting(); });
}

void Device::on_committed() {
    auto& state = ledger_->state;
    const auto* order = find_upgrade_under_way(state);
    report_.write("committed", {{"version", upgrader_->version}});
    net::log_info("committed", {{"version", upgrader_->version}});
    state.last.state = "Committed";
    state.failure.clear();
    for (const auto& software : state.software) {
        if (software.sha256 != upgrader_->slots().running_sha256()) continue;
        state.committed_created = std::max(state.committed_created, software.created);
    }
    clock_.learn(state.committed_created, monotonic_now());
    if (order != nullptr) {
        set_result(state, *order, {}, clock_.utc(monotonic_now()));
        forget_order(state, order->number);
    }
    ledger_->save();
    orders_->go_on();
}

void Device::on_fell_back() {
    auto& state = ledger_->state;
    report_.write("fell_back", {{"version", upgrader_->version}});
    const auto* order = find_upgrade_under_way(state);
    const auto& slots = upgrader_->slots();
    if (slots.state) {
        const auto& failed = slots.state->at(other(slots.running)).sha256;
        if (state.failed_image != failed) state.failure.clear();
        state.failed_image = failed;
    }
    if (state.failure.empty()) state.failure = "it was not committed in time";
    state.boot_slot.clear();
    if (order == nullptr) return ledger_->save();
    auto why = "fell back to the kept image: " + state.failure;
    const auto number = order->number;
    orders_->finish(number, {cwmp::FaultCode::download_failure, std::move(why)});
}

void Device::on_reboot_wanted() {
    is_reboot_wanted_ = true;
    reboot_when_idle();
}

void Device::reboot_when_idle() {
    if (client_.is_open() || is_going_down_) return;
    is_going_down_ = true;
    report_.write("rebooting");
    const auto save_and_reboot = [this] {
        ledger_->state.expects_boot = true;
        // Behind every save that was asked for before.
        ledger_->save([this](const Result<void>&) { prepare_reboot(); });
    };
    if (!ledger_->state.is_reset_ordered) return save_and_reboot();
    // Ordered until all is forgotten: after a cut in between the next start does it all again.
    configurator_->forget([this, save_and_reboot](const Result<void>& done) {
        if (!done) net::log_warning("configuration: " + done.error().message);
        ledger_->state = after_reset(ledger_->state);
        save_and_reboot();
    });
}

void Device::prepare_reboot() {
    const auto& slots = upgrader_->slots();
    const auto& wish = ledger_->state.boot_slot;
    const bool has_wish = slots.state && !wish.empty() && wish[0] != install::letter(slots.running);
    if (!has_wish || slots.state->is_on_trial) return go_down();
    configurator_->leave(false, [this](const Result<void>& kept) {
        if (kept) return go_to_kept();
        forget_boot_wish("the configuration cannot be kept: " + kept.error().message);
    });
}

void Device::go_to_kept() {
    upgrader_->go_to_kept([this](const Result<void>& done) {
        if (!done) return forget_boot_wish(done.error().message);
        report_.write("going_back");
        go_down();
    });
}

// It was a Reboot all the same.
void Device::forget_boot_wish(const std::string& failure) {
    net::log(net::LogLevel::error, "the other image does not boot: " + failure);
    report_.write("failed", {{"why", failure}});
    auto& state = ledger_->state;
    const auto& slots = upgrader_->slots();
    state.failed_image = slots.state->at(other(slots.running)).sha256;
    state.failure = failure;
    state.boot_slot.clear();
    ledger_->save([this](const Result<void>&) { go_down(); });
}

void Device::go_down() {
    const auto done = upgrader_->reboot();
    // The system is going down, or nobody took the word for it: the device is manageable again for
    // a while, and then asks once more.
    reboot_alarm_.set(settings_.reboot_retry / 2, [this] {
        stay_up();
        reboot_alarm_.set(settings_.reboot_retry / 2, [this] { reboot_when_idle(); });
    });
    if (done) return;
    net::log(net::LogLevel::error, done.error().message);
    stay_up();
}

void Device::stay_up() {
    if (!std::exchange(is_going_down_, false)) return;
    // Owed since the start, the reboot came before the first session.
    if (!upgrader_->slots().is_on_trial()) begin_reporting();
    go_on_after_session();
    poke(cwmp::TimePassed{});  // what came meanwhile
}

}  // namespace sluice::agent::management
