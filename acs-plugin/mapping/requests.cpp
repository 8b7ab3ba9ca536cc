#include "acs-plugin/mapping/requests.hpp"

#include "engine/base/overloaded.hpp"

namespace sluice::mapping {
namespace {

constexpr std::string_view kFirmware = "1 Firmware Upgrade Image";
constexpr std::string_view kConfiguration = "3 Vendor Configuration File";
// Of what is read: a device may say thousands of things. Before and after an upgrade the same ones
// are to be compared, so that what is asked for fits as a rule.
constexpr std::size_t kMaxValues = 4096;
constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxValue = 1024;
constexpr std::size_t kMaxMethods = 256;
constexpr std::size_t kMaxMethod = 64;

std::string file_type_of(service::OrderKind kind, const ParameterMapping& mapping) {
    switch (kind) {
        case service::OrderKind::stage:
            return mapping.stage_file_type;
        case service::OrderKind::configure:
            return std::string(kConfiguration);
        case service::OrderKind::convert:
            return mapping.convert_file_type;
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

cwmp::Message upload(const service::UploadOrder& order, const ParameterMapping& mapping) {
    cwmp::Upload out;
    out.command_key = order.command_key;
    out.file_type = order.file_type.empty() ? mapping.converted_file_type : order.file_type;
    out.url = order.url;
    out.username = order.username;
    out.password = order.password;
    return out;
}

cwmp::Message set(const service::SetOrder& order) {
    cwmp::SetParameterValues out;
    out.parameter_key = order.command_key;
    for (const auto& each : order.values)
        out.parameters.push_back({each.name, each.value, "xsd:string"});
    return out;
}

std::vector<cwmp::Message> read(const service::ReadOrder& order) {
    std::vector<cwmp::Message> out;
    if (order.asks_methods) out.emplace_back(cwmp::GetRpcMethods{});
    if (!order.names.empty() || out.empty())
        out.emplace_back(cwmp::GetParameterValues{order.names});
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

std::uint32_t code_of(const cwmp::Fault& fault) {
    // A SOAP fault without CWMP's code still is a refusal.
    return fault.code != 0 ? fault.code : cwmp::code_of(cwmp::FaultCode::internal_error);
}

}  // namespace

std::vector<cwmp::Message> to_requests(const service::DeviceOrder& order, std::string_view root,
                                       const ParameterMapping& mapping) {
    using Messages = std::vector<cwmp::Message>;
    return std::visit(
        Overloaded{
            [&](const service::DownloadOrder& o) { return download(o, root, mapping); },
            [](const service::CancelOrder& o) {
                return Messages{cwmp::CancelTransfer{o.command_key}};
            },
            [&](const service::UploadOrder& o) { return Messages{upload(o, mapping)}; },
            [](const service::RebootOrder& o) { return Messages{cwmp::Reboot{o.command_key}}; },
            [](const service::SetOrder& o) { return Messages{set(o)}; },
            [](const service::ReadOrder& o) { return read(o); },
        },
        order);
}

std::optional<service::OrderAnswer> read_answer(const service::DeviceOrder& order,
                                                const cwmp::Message& answer) {
    service::OrderAnswer out;
    out.command_key = service::key_of(order);
    if (const auto* fault = std::get_if<cwmp::Fault>(&answer)) {
        out.fault = code_of(*fault);
        out.why = words_of(*fault);
        return out;
    }
    if (const auto* done = std::get_if<cwmp::DownloadResponse>(&answer)) {
        out.is_done = done->status == 0;
        return out;
    }
    if (const auto* done = std::get_if<cwmp::UploadResponse>(&answer)) {
        out.is_done = done->status == 0;
        return out;
    }
    // Beside a Download parameters are set first; the answer to that one is not the order's.
    const bool is_set = std::holds_alternative<service::SetOrder>(order) &&
                        std::holds_alternative<cwmp::SetParameterValuesResponse>(answer);
    if (is_set || std::holds_alternative<cwmp::CancelTransferResponse>(answer) ||
        std::holds_alternative<cwmp::RebootResponse>(answer)) {
        out.is_done = true;
        return out;
    }
    return std::nullopt;
}

void gather(const cwmp::Message& answer, service::OrderAnswer& into) {
    if (const auto* values = std::get_if<cwmp::GetParameterValuesResponse>(&answer)) {
        for (const auto& p : values->parameters)
            if (into.values.size() < kMaxValues)
                into.values.push_back({p.name.substr(0, kMaxName), p.value.substr(0, kMaxValue)});
    } else if (const auto* methods = std::get_if<cwmp::GetRpcMethodsResponse>(&answer)) {
        for (const auto& name : methods->methods)
            if (into.methods.size() < kMaxMethods)
                into.methods.push_back(name.substr(0, kMaxMethod));
    } else if (const auto* fault = std::get_if<cwmp::Fault>(&answer)) {
        // What it does not know it does not have; so with RPCs (9000).
        const auto code = code_of(*fault);
        if (code == cwmp::code_of(cwmp::FaultCode::invalid_parameter_name) ||
            code == cwmp::code_of(cwmp::FaultCode::method_not_supported))
            return;
        into.fault = code;
        into.why = words_of(*fault);
    }
}

}  // namespace sluice::mapping
