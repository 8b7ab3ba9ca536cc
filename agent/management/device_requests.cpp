// What the ACS asks of a device within a session: each RPC that it has, answered once what follows
// from it is durable.
#include <algorithm>

#include "agent/clock.hpp"
#include "agent/management/device.hpp"
#include "agent/management/order_book.hpp"
#include "engine/cwmp/codec.hpp"
#include "engine/net/log.hpp"

namespace sluice::agent::management {
namespace {

cwmp::Fault fault(cwmp::FaultCode code, std::string why) {
    return {code_of(code), std::move(why), {}};
}

std::vector<std::string> method_names() {
    return {"GetRPCMethods",     "SetParameterValues", "GetParameterValues",
            "GetParameterNames", "Download",           "Upload",
            "ScheduleDownload",  "CancelTransfer",     "Reboot",
            "FactoryReset"};
}

}  // namespace

void Device::execute(const cwmp::Message& request, std::function<void(cwmp::Message)> then) {
    net::log_info("the ACS asks", {{"method", cwmp::method_name(request)}});
    if (const auto* r = std::get_if<cwmp::GetParameterValues>(&request))
        return then(model_->get_values(*r, live_facts()));
    if (const auto* r = std::get_if<cwmp::GetParameterNames>(&request))
        return then(model_->get_names(*r));
    if (const auto* r = std::get_if<cwmp::SetParameterValues>(&request))
        return set_values(*r, then);
    if (const auto* r = std::get_if<cwmp::Download>(&request)) return download(*r, then);
    if (const auto* r = std::get_if<cwmp::Upload>(&request)) return upload(*r, then);
    if (const auto* r = std::get_if<cwmp::ScheduleDownload>(&request))
        return schedule_download(*r, then);
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
    answer_order(take_download(request, *model_, state, clock_.utc(monotonic_now())), before,
                 request.file_type, then);
}

void Device::upload(const cwmp::Upload& request, const Answer& then) {
    auto& state = ledger_->state;
    const auto before = state.orders.size();
    answer_order(take_upload(request, state, clock_.utc(monotonic_now())), before,
                 request.file_type, then);
}

void Device::schedule_download(const cwmp::ScheduleDownload& request, const Answer& then) {
    auto& state = ledger_->state;
    const auto before = state.orders.size();
    answer_order(take_schedule(request, *model_, state, clock_.utc(monotonic_now())), before,
                 request.file_type, then);
}

void Device::answer_order(cwmp::Message answer, std::size_t orders_before,
                          const std::string& file_type, const Answer& then) {
    const auto& orders = ledger_->state.orders;
    if (orders.size() == orders_before) return then(std::move(answer));
    const auto number = orders.back().number;
    report_.write("order", {{"key", orders.back().command_key}, {"type", file_type}});
    const auto answered = [this, then](cwmp::Message m) {
        then(std::move(m));
        orders_->go_on();
    };
    save_and_answer(std::move(answer), answered, [this, number] {
        undo_order(number, ledger_->state);
        orders_->taken_back(number);  // it may have been begun meanwhile
    });
}

void Device::set_values(const cwmp::SetParameterValues& request, const Answer& then) {
    auto& state = ledger_->state;
    const auto parameters = state.parameters;
    const auto key = state.parameter_key;
    const auto boot_slot = state.boot_slot;
    auto answer = model_->set_values(request, live_facts());
    if (std::holds_alternative<cwmp::Fault>(answer)) return then(std::move(answer));
    state.events.acs_url_changed(model_->acs_url());
    is_period_new_ =
        is_period_new_ ||
        std::any_of(request.parameters.begin(), request.parameters.end(),
                    [](const auto& p) { return p.name.find(".PeriodicInform") != p.name.npos; });
    library_->set_enabled(model_->is_peer_download_enabled());
    const auto answered = [this, then,
                           wants_to_stay = wants_running_slot(request)](cwmp::Message m) {
        then(std::move(m));
        if (wants_to_stay) call_install_off();
    };
    save_and_answer(std::move(answer), answered, [this, parameters, key, boot_slot] {
        ledger_->state.boot_slot = boot_slot;
        ledger_->state.parameters = parameters;
        ledger_->state.parameter_key = key;
    });
}

bool Device::wants_running_slot(const cwmp::SetParameterValues& request) const {
    return ledger_->state.boot_slot.empty() && upgrader_->slots().is_flipped() &&
           std::ranges::any_of(request.parameters,
                               [](const auto& p) { return p.name.ends_with(kBootImage); });
}

// The image that runs is to boot next, and another one was to: the reboot has not come about.
void Device::call_install_off() {
    upgrader_->stay([this](const Result<void>& done) {
        if (!done) return net::log_warning("slots: " + done.error().message);
        is_reboot_wanted_ = false;
        reboot_alarm_.cancel();
        if (const auto* order = find_upgrade_under_way(ledger_->state))
            orders_->finish(order->number, {cwmp::FaultCode::download_failure,
                                            "called off: the running image is to stay"});
    });
}

void Device::cancel_transfer(const cwmp::CancelTransfer& request, const Answer& then) {
    auto& state = ledger_->state;
    const auto* order = order_to_cancel(request.command_key, state);
    if (order == nullptr || orders_->is_installing(order->number))
        return then(fault(cwmp::FaultCode::cannot_cancel, "it is too late, or there is none"));
    const auto number = order->number;
    undo_order(number, state);
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

}  // namespace sluice::agent::management
