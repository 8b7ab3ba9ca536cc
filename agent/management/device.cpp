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

cwmp::Fault fault(cwmp::FaultCode code, std::string why) {
    return {code_of(code), std::move(why), {}};
}

std::vector<std::string> method_names() {
    return {"GetRPCMethods",
            "SetParameterValues",
            "GetParameterValues",
            "GetParameterNames",
            "Download",
            "CancelTransfer",
            "Reboot",
            "FactoryReset"};
}

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

// --- what the ACS asks ---------------------------------------------------------------------------

void Device::execute(const cwmp::Message& request, std::function<void(cwmp::Message)> then) {
    net::log_info("the ACS asks", {{"method", cwmp::method_name(request)}});
    if (const auto* r = std::get_if<cwmp::GetParameterValues>(&request))
        return then(model_->get_values(*r, live_facts()));
    if (const auto* r = std::get_if<cwmp::GetParameterNames>(&request))
        return then(model_->get_names(*r));
    if (const auto* r = std::get_if<cwmp::SetParameterValues>(&request))
        return set_values(*r, then);
    if (const auto* r = std::get_if<cwmp::Download>(&request)) return download(*r, then);
    if (const auto* r = std::get_if<cwmp::CancelTransfer>(&request))
        return cancel_transfer(*r, then);
    if (const auto* r = std::get_if<cwmp::Reboot>(&request)) return reboot_ordered(*r, then);
    if (std::holds_alternative<cwmp::FactoryReset>(request)) return factory_reset(then);
    if (std::holds_alternative<cwmp::GetRpcMethods>(request))
        return then(cwmp::GetRpcMethodsResponse{method_names()});
    then(fault(cwmp::FaultCode::method_not_supported, "no method " + cwmp::method_name(request)));
}

void Device::save_and_answer(cwmp::Message answer, const Answer& then, std::function<void()> undo) {
    ledger_->save([answer = std::move(answer), then,
                   undo = std::move(undo)](const Result<void>& saved) {
        if (saved) return then(answer);
        undo();
        then(fault(cwmp::FaultCode::internal_error, "it cannot be kept: " + saved.error().message));
    });
}

void Device::download(const cwmp::Download& request, const Answer& then) {
    auto& state = ledger_->state;
    const auto before = state.orders.size();
    auto answer = take_download(request, *model_, state, clock_.utc(monotonic_now()));
    if (state.orders.size() == before) return then(std::move(answer));
    const auto number = state.orders.back().number;
    report_.write("order", {{"key", request.command_key}, {"type", request.file_type}});
    const auto answered = [this, then](cwmp::Message m) {
        then(std::move(m));
        orders_->go_on();
    };
    save_and_answer(std::move(answer), answered,
                    [this, number] { undo_download(number, ledger_->state); });
}

void Device::set_values(const cwmp::SetParameterValues& request, const Answer& then) {
    auto& state = ledger_->state;
    const auto parameters = state.parameters;
    const auto key = state.parameter_key;
    auto answer = model_->set_values(request);
    if (std::holds_alternative<cwmp::Fault>(answer)) return then(std::move(answer));
    state.events.acs_url_changed(model_->acs_url());
    is_period_new_ =
        is_period_new_ ||
        std::any_of(request.parameters.begin(), request.parameters.end(),
                    [](const auto& p) { return p.name.find(".PeriodicInform") != p.name.npos; });
    library_->set_enabled(model_->is_peer_download_enabled());
    save_and_answer(std::move(answer), then, [this, parameters, key] {
        ledger_->state.parameters = parameters;
        ledger_->state.parameter_key = key;
    });
}

void Device::cancel_transfer(const cwmp::CancelTransfer& request, const Answer& then) {
    auto& state = ledger_->state;
    const auto at = std::find_if(state.orders.begin(), state.orders.end(), [&](const Order& o) {
        return o.command_key == request.command_key;
    });
    const auto number = at == state.orders.end() ? 0 : at->number;
    const bool is_installing = number != 0 && orders_->activity() == "Installing";
    if (is_installing || !take_back(request.command_key, state))
        return then(fault(cwmp::FaultCode::cannot_cancel, "it is too late, or there is none"));
    orders_->taken_back(number);
    save_and_answer(cwmp::CancelTransferResponse{}, then, [] {});
}

void Device::reboot_ordered(const cwmp::Reboot& request, const Answer& then) {
    ledger_->state.events.reboot_ordered(request.command_key);
    save_and_answer(
        cwmp::RebootResponse{},
        [this, then](cwmp::Message m) {
            is_reboot_wanted_ = true;
            then(std::move(m));
        },
        [] {});
}

// Done between this session and the reboot, or at the next start.
void Device::factory_reset(const Answer& then) {
    ledger_->state.is_reset_ordered = true;
    save_and_answer(
        cwmp::FactoryResetResponse{},
        [this, then](cwmp::Message m) {
            is_reboot_wanted_ = is_reboot_wanted_ || ledger_->state.is_reset_ordered;
            then(std::move(m));
        },
        [this] { ledger_->state.is_reset_ordered = false; });
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
    if (order == nullptr) return;
    auto why = std::string("fell back to the kept image: ") +
               (order->note.empty() ? "the new one was not committed in time" : order->note);
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
    auto& state = ledger_->state;
    if (state.is_reset_ordered) state = after_reset(state);
    state.expects_boot = true;
    report_.write("rebooting");
    // Behind every save that was asked for before.
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
    go_on_after_session();
    poke(cwmp::TimePassed{});  // what came meanwhile
}

}  // namespace sluice::agent::management
