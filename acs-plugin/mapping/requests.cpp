#include "acs-plugin/mapping/requests.hpp"

#include "engine/base/overloaded.hpp"

namespace sluice::mapping {
namespace {

constexpr std::string_view kFirmware = "1 Firmware Upgrade Image";
constexpr std::string_view kConfiguration = "3 Vendor Configuration File";

std::string file_type_of(service::OrderKind kind, const ParameterMapping& mapping) {
    switch (kind) {
        case service::OrderKind::stage:
            return mapping.stage_file_type;
        case service::OrderKind::configure:
            return std::string(kConfiguration);
        case service::OrderKind::upgrade:
            break;
    }
    return std::string(kFirmware);
}

std::vector<cwmp::Message> download(const service::DownloadOrder& order, std::string_view root,
                                    const ParameterMapping& mapping) {
    cwmp::SetParameterValues set;
    set.parameter_key = order.command_key;
    const auto add = [&](const std::string& name, const std::string& value) {
        if (value.empty()) return;
        set.parameters.push_back(
            {std::string(root) + mapping.agent_object + name, value, "xsd:string"});
    };
    add(mapping.assignment_url, order.assignment_url);
    add(mapping.master_url, order.master_url);
    std::vector<cwmp::Message> out;
    if (!set.parameters.empty()) out.emplace_back(std::move(set));
    cwmp::Download download;
    download.command_key = order.command_key;
    download.file_type = file_type_of(order.kind, mapping);
    download.url = order.url;
    download.username = order.username;
    download.password = order.password;
    download.file_size = order.file_size;
    download.target_file_name = order.target_file_name;
    download.delay_seconds = order.delay_seconds;
    out.emplace_back(std::move(download));
    return out;
}

// "9003 arguments; Device.X: 9005 no such parameter".
std::string words_of(const cwmp::Fault& fault) {
    auto out = fault.text;
    for (const auto& p : fault.parameters)
        out += (out.empty() ? "" : "; ") + p.parameter_name + ": " + std::to_string(p.code) + " " +
               p.text;
    return out;
}

}  // namespace

std::vector<cwmp::Message> to_requests(const service::DeviceOrder& order, std::string_view root,
                                       const ParameterMapping& mapping) {
    return std::visit(
        Overloaded{[&](const service::DownloadOrder& o) { return download(o, root, mapping); },
                   [](const service::CancelOrder& o) {
                       return std::vector<cwmp::Message>{cwmp::CancelTransfer{o.command_key}};
                   }},
        order);
}

std::string_view command_key_of(const service::DeviceOrder& order) {
    return std::visit(
        Overloaded{
            [](const service::DownloadOrder& o) -> std::string_view { return o.command_key; },
            [](const service::CancelOrder& o) -> std::string_view { return o.command_key; }},
        order);
}

std::optional<service::OrderAnswer> read_answer(const service::DeviceOrder& order,
                                                const cwmp::Message& answer) {
    service::OrderAnswer out;
    out.command_key = command_key_of(order);
    if (const auto* fault = std::get_if<cwmp::Fault>(&answer)) {
        // A SOAP fault without CWMP's code still is a refusal.
        constexpr auto kUnsaid = cwmp::FaultCode::internal_error;
        out.fault = fault->code != 0 ? fault->code : cwmp::code_of(kUnsaid);
        out.why = words_of(*fault);
        return out;
    }
    if (const auto* done = std::get_if<cwmp::DownloadResponse>(&answer)) {
        out.is_done = done->status == 0;
        return out;
    }
    if (std::holds_alternative<cwmp::CancelTransferResponse>(answer)) {
        out.is_done = true;
        return out;
    }
    return std::nullopt;
}

}  // namespace sluice::mapping
