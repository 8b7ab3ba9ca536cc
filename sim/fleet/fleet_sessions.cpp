// The fleet's sessions: when they begin, what they say, what the ACS asks in them, connection
// requests.
#include <algorithm>
#include <chrono>

#include "engine/base/utc.hpp"
#include "engine/cwmp/codec.hpp"
#include "sim/fleet/fleet_impl.hpp"

namespace sluice::sim::fleet {
namespace {

constexpr std::string_view kPadding = "abcdefghijklmnopqrstuvwxyz012345";

std::string utc_now() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return format_utc({std::chrono::duration_cast<std::chrono::seconds>(now).count()});
}

cwmp::Fault fault(cwmp::FaultCode code, std::string why) {
    return {code_of(code), std::move(why), {}};
}

}  // namespace

// --- when ----------------------------------------------------------------------------------------

void Fleet::Impl::poke(DeviceNumber d, const cwmp::ScheduleEvent& event) {
    cwmp::ScheduleActions out;
    devices[d].schedule.on(event, steady_now(), out);
    for (const auto& begin : out) want_session(d, begin);
}

// One that finds all places taken waits: its time counts from its turn on.
void Fleet::Impl::want_session(DeviceNumber d, const cwmp::BeginSession& how) {
    if (is_ending) return;
    devices[d].is_in_session = true;
    queue.push_back({d, how});
    begin_waiting();
}

void Fleet::Impl::begin_waiting() {
    while (!queue.empty() && sessions.size() < settings.at_once) {
        const auto next = queue.front();
        queue.pop_front();
        begin_session(next.device, next.how);
    }
}

// --- one session ---------------------------------------------------------------------------------

DeviceFacts Fleet::Impl::facts(DeviceNumber d) const {
    DeviceFacts out;
    out.number = d;
    out.version = versions[devices[d].version];
    if (!calls) return out;
    auto host = identities.source_address(d);
    if (host.empty()) host = settings.listen->address;
    if (host.find(':') != host.npos) host = "[" + host + "]";
    out.connection_url =
        "http://" + host + ":" + std::to_string(calls->port_of(d)) + identities.call_path(d);
    return out;
}

void Fleet::Impl::begin_session(DeviceNumber d, const cwmp::BeginSession& how) {
    auto& device = devices[d];
    if (how.is_period_over) device.events.period_passed();
    if (how.is_called) device.events.called();
    auto report = device.events.begin_session();
    cwmp::Inform inform;
    inform.device = identities.device_id(d);
    inform.events = std::move(report.events);
    inform.current_time = utc_now();
    inform.retry_count = how.retry_count;
    inform.parameters = words.inform_parameters(device, facts(d));
    if (settings.inform_bytes != 0) pad(inform);
    device.informed = device.version;
    SessionTerms terms;
    terms.acs = settings.acs[device.acs];
    terms.who = identities.credentials(d);
    terms.local_address = identities.source_address(d);
    terms.answer_timeout = settings.answer_timeout;
    terms.ns = static_cast<cwmp::Namespace>(device.cwmp);
    auto& session = sessions[d];
    session = std::make_unique<Session>(io, tls, *this, d, std::move(terms));
    ++tally.begun;
    session->begin(std::move(inform), std::move(report.transfers));
}

// With parameters of a vendor's own, as many as it takes: the number is found once.
void Fleet::Impl::pad(cwmp::Inform& inform) {
    const auto add = [&](std::uint32_t count) {
        for (std::uint32_t i = 1; i <= count; ++i)
            inform.parameters.push_back({"Device.X_FLEET_Padding." + std::to_string(i) + ".Value",
                                         std::string(kPadding), "xsd:string"});
    };
    if (padding == 0) {
        const auto bare = inform.parameters.size();
        const auto bytes = [&] {
            return cwmp::encode({cwmp::Namespace::cwmp_1_2, {}, inform}).size();
        };
        while (bytes() < settings.inform_bytes) add(1), ++padding;
        inform.parameters.resize(bare);
    }
    add(padding);
}

void Fleet::Impl::inform_delivered(DeviceNumber d) {
    auto& device = devices[d];
    device.events.inform_delivered();
    tally.inform.add(steady_now() - sessions.at(d)->begun());
}

void Fleet::Impl::transfer_delivered(DeviceNumber d, const std::string& command_key) {
    devices[d].events.transfer_delivered(command_key);
}

void Fleet::Impl::session_over(DeviceNumber d, const cwmp::SessionOver& how,
                               const SessionTrouble& trouble) {
    auto& device = devices[d];
    const auto at = sessions.find(d);
    if (how.is_success) {
        ++tally.good;
        tally.session.add(steady_now() - at->second->begun());
        device.cwmp = static_cast<std::uint8_t>(at->second->ns());
    } else {
        tally.fail(trouble.kind, identities.identity(d) + ": " + trouble.why);
        ++device.failed;
        if (trouble.is_node_gone)
            device.acs = static_cast<std::uint8_t>((device.acs + 1u) % settings.acs.size());
    }
    last_session = steady_now();
    // It is on the stack.
    boost::asio::post(io, [this, d, how, gone = std::shared_ptr<Session>(std::move(at->second))] {
        after_session(d, how);
    });
    sessions.erase(at);
}

void Fleet::Impl::after_session(DeviceNumber d, const cwmp::SessionOver& how) {
    auto& device = devices[d];
    device.is_in_session = false;
    device.events.session_over(how.is_success);
    if (how.is_success) {
        if (++device.sessions == 1) ++reached;
        if (device.sessions == settings.rounds) ++rounds_done;
        const bool was_there =
            device.has_reported && versions[device.reported] == settings.until_version;
        device.has_reported = true;
        device.reported = device.informed;
        if (!was_there && versions[device.reported] == settings.until_version) ++at_target;
        if (warm_up_left > 0 && --warm_up_left == 0) begin_measurement();
    }
    if (device.wants_reboot) {
        device.wants_reboot = false;
        reboot(d);
    } else {
        poke(d, cwmp::SessionEnded{how.is_success, how.retry_after});
        if (device.events.is_report_due()) poke(d, cwmp::ReportWanted{});
    }
    if (device.order && device.order->step == Step::waiting &&
        device.order->until == Instant::never())
        begin_order(d);
    set_due(d);
    begin_waiting();
    check_end();
}

// --- what the ACS asks ---------------------------------------------------------------------------

cwmp::Message Fleet::Impl::execute(DeviceNumber d, const cwmp::Message& request) {
    ++tally.requests[cwmp::method_name(request)];
    auto& device = devices[d];
    if (const auto* r = std::get_if<cwmp::GetParameterValues>(&request))
        return words.get_values(*r, device, facts(d));
    if (const auto* r = std::get_if<cwmp::GetParameterNames>(&request))
        return words.get_names(*r, device, facts(d));
    if (const auto* r = std::get_if<cwmp::SetParameterValues>(&request))
        return words.set_values(*r, device, facts(d));
    if (const auto* r = std::get_if<cwmp::Download>(&request)) return take_download(d, *r);
    if (const auto* r = std::get_if<cwmp::CancelTransfer>(&request)) return cancel_transfer(d, *r);
    if (const auto* r = std::get_if<cwmp::Reboot>(&request)) {
        device.events.reboot_ordered(r->command_key);
        device.wants_reboot = true;
        return cwmp::RebootResponse{};
    }
    if (std::holds_alternative<cwmp::FactoryReset>(request)) {
        device.parameters.clear();
        device.wants_reboot = true;
        return cwmp::FactoryResetResponse{};
    }
    if (std::holds_alternative<cwmp::GetRpcMethods>(request))
        return cwmp::GetRpcMethodsResponse{{"GetRPCMethods", "GetParameterValues",
                                            "GetParameterNames", "SetParameterValues", "Download",
                                            "CancelTransfer", "Reboot", "FactoryReset"}};
    return fault(cwmp::FaultCode::method_not_supported, "no method " + cwmp::method_name(request));
}

// --- connection requests -------------------------------------------------------------------------

std::optional<DeviceNumber> Fleet::Impl::called_at(std::string_view target) const {
    return identities.at_call_path(target);
}

http::Credentials Fleet::Impl::call_credentials(DeviceNumber d) const {
    auto name = set_value(devices[d], kCallUsername);
    if (name.empty()) return settings.call;
    return {std::move(name), set_value(devices[d], kCallPassword)};
}

CallVerdict Fleet::Impl::called(DeviceNumber d) {
    const auto& device = devices[d];
    if (device.is_off || device.is_lost || is_ending) return CallVerdict::off;
    if (device.is_in_session) {
        ++tally.calls_busy;
        return CallVerdict::busy;
    }
    ++tally.calls;
    boost::asio::post(io, [this, d] {
        if (devices[d].is_off || devices[d].is_lost) return;
        poke(d, cwmp::ConnectionRequested{});
        set_due(d);
    });
    return CallVerdict::taken;
}

}  // namespace sluice::sim::fleet
