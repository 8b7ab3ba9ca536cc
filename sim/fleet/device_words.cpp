#include "sim/fleet/device_words.hpp"

#include <algorithm>

#include "engine/cwmp/codec.hpp"

namespace sluice::sim::fleet {
namespace {

struct Speaker {
    const FleetSettings& settings;
    const Identities& identities;
    const Device& device;
    const DeviceFacts& facts;
};

enum class Who : std::uint8_t {
    both,
    agent,
    tr181,
    tr098,
    member
};  // member: of a site, no gateway
enum class Sent : std::uint8_t { asked, inform };
enum class Access : std::uint8_t { read, write };

std::string text_of(bool value) {
    return value ? "true" : "false";
}

std::string_view state_of(const Device& device) {
    if (!device.order) return device.held == kNoImage ? "Idle" : "Staged";
    switch (device.order->step) {
        case Step::waiting:
            return "Idle";
        case Step::asking:
        case Step::choosing:
        case Step::fetching:
        case Step::copying:
            return "Fetching";
        case Step::installing:
            return "Installing";
        case Step::rebooting:
        case Step::on_trial:
            break;
    }
    return "Rebooting";
}

cwmp::Fault fault(cwmp::FaultCode code, std::string why) {
    return {code_of(code), std::move(why), {}};
}

}  // namespace

struct DeviceWords::Row {
    std::string_view path, type;
    Who who;
    Sent sent;
    Access access;
    std::string (*value)(const Speaker& s);
};

namespace {

using S = const Speaker&;
constexpr const char* kText = "xsd:string";
constexpr const char* kBoolean = "xsd:boolean";
constexpr const char* kNumber = "xsd:unsignedInt";
constexpr const char* kBig = "xsd:unsignedLong";
constexpr double kMeanCpu = 40;
constexpr std::uint64_t kCache = 256u << 20, kUplink = 20'000'000, kDownlink = 100'000'000;

const DeviceWords::Row kRows[] = {
    {"RootDataModelVersion", kText, Who::tr181, Sent::inform, Access::read,
     [](S) -> std::string { return "2.15"; }},
    {"DeviceSummary", kText, Who::tr098, Sent::inform, Access::read,
     [](S) -> std::string { return "InternetGatewayDevice:1.14[](Baseline:1)"; }},
    {"DeviceInfo.SpecVersion", kText, Who::tr098, Sent::inform, Access::read,
     [](S) -> std::string { return "1.0"; }},
    {"DeviceInfo.Manufacturer", kText, Who::both, Sent::asked, Access::read,
     [](S s) { return s.settings.manufacturer; }},
    {"DeviceInfo.HardwareVersion", kText, Who::both, Sent::inform, Access::read,
     [](S s) { return s.settings.hardware_version; }},
    {"DeviceInfo.SoftwareVersion", kText, Who::both, Sent::inform, Access::read,
     [](S s) { return std::string(s.facts.version); }},
    {"DeviceInfo.ProvisioningCode", kText, Who::both, Sent::inform, Access::write,
     [](S) { return std::string(); }},
    {"ManagementServer.ParameterKey", kText, Who::both, Sent::inform, Access::read,
     [](S s) { return s.device.parameter_key; }},
    {"ManagementServer.ConnectionRequestURL", kText, Who::both, Sent::inform, Access::read,
     [](S s) { return s.facts.connection_url; }},
    {"ManagementServer.PeriodicInformInterval", kNumber, Who::both, Sent::asked, Access::write,
     [](S s) { return std::to_string(s.settings.period / 1s); }},
    {"ManagementServer.PeriodicInformEnable", kBoolean, Who::both, Sent::asked, Access::write,
     [](S s) { return text_of(s.settings.period != Duration{}); }},
    {kCallUsername, kText, Who::both, Sent::asked, Access::write,
     [](S s) { return s.settings.call.username; }},
    {kCallPassword, kText, Who::both, Sent::asked, Access::write, [](S) { return std::string(); }},
    {"GatewayInfo.ManufacturerOUI", kText, Who::member, Sent::inform, Access::read,
     [](S s) { return s.settings.oui; }},
    {"GatewayInfo.ProductClass", kText, Who::member, Sent::inform, Access::read,
     [](S s) { return s.settings.product_class; }},
    {"GatewayInfo.SerialNumber", kText, Who::member, Sent::inform, Access::read,
     [](S s) {
         return s.identities.device_id(s.identities.gateway(s.facts.number)).serial_number;
     }},
    {"X_SLUICE_PeerDownload.Enable", kBoolean, Who::agent, Sent::inform, Access::write,
     [](S) { return text_of(true); }},
    {"X_SLUICE_PeerDownload.State", kText, Who::agent, Sent::inform, Access::read,
     [](S s) { return std::string(state_of(s.device)); }},
    {"X_SLUICE_PeerDownload.Site", kText, Who::agent, Sent::inform, Access::read,
     [](S s) { return s.identities.site(s.facts.number); }},
    {"X_SLUICE_PeerDownload.AverageCPU", kNumber, Who::agent, Sent::inform, Access::read,
     [](S s) {
         return std::to_string(
             static_cast<int>(2 * kMeanCpu * s.identities.draw(s.facts.number, "cpu")));
     }},
    {"X_SLUICE_PeerDownload.CacheSize", kBig, Who::agent, Sent::inform, Access::read,
     [](S) { return std::to_string(kCache); }},
    {"X_SLUICE_PeerDownload.UplinkRate", kBig, Who::agent, Sent::inform, Access::read,
     [](S) { return std::to_string(kUplink); }},
    {"X_SLUICE_PeerDownload.DownlinkRate", kBig, Who::agent, Sent::inform, Access::read,
     [](S) { return std::to_string(kDownlink); }},
    {"X_SLUICE_PeerDownload.FileServerEnable", kBoolean, Who::agent, Sent::inform, Access::read,
     [](S) { return text_of(true); }},
    {"X_SLUICE_PeerDownload.FileServerURL", kText, Who::agent, Sent::inform, Access::read,
     [](S s) { return s.identities.peer_url(s.facts.number); }},
    {kMasterUrl, kText, Who::agent, Sent::inform, Access::write, [](S) { return std::string(); }},
    {kAssignmentUrl, kText, Who::agent, Sent::inform, Access::write,
     [](S) { return std::string(); }},
    {"X_SLUICE_PeerDownload.Protocols", kText, Who::agent, Sent::inform, Access::read,
     [](S) -> std::string { return "http/1"; }},
    {"X_SLUICE_PeerDownload.IsGateway", kBoolean, Who::agent, Sent::inform, Access::read,
     [](S s) { return text_of(s.identities.is_gateway(s.facts.number)); }},
    {"X_SLUICE_PeerDownload.PeerBytes", kBig, Who::agent, Sent::inform, Access::read,
     [](S s) { return std::to_string(s.device.peer_bytes); }},
    {"X_SLUICE_PeerDownload.OriginBytes", kBig, Who::agent, Sent::inform, Access::read,
     [](S s) { return std::to_string(s.device.server_bytes); }},
    {"X_SLUICE_PeerDownload.FetchMilliseconds", kBig, Who::agent, Sent::inform, Access::read,
     [](S s) { return std::to_string(s.device.fetch_ms); }},
    {"X_SLUICE_PeerDownload.Healthy", kBoolean, Who::agent, Sent::inform, Access::read,
     [](S) { return text_of(true); }},
};

}  // namespace

std::string set_value(const Device& device, std::string_view relative_path) {
    for (const auto& [path, value] : device.parameters)
        if (path == relative_path) return value;
    return {};
}

std::string take_value(Device& device, std::string_view relative_path) {
    auto out = set_value(device, relative_path);
    std::erase_if(device.parameters, [&](const auto& p) { return p.first == relative_path; });
    return out;
}

std::string_view DeviceWords::root() const {
    return settings_.is_tr098 ? "InternetGatewayDevice." : "Device.";
}

bool DeviceWords::has(const Row& row, const DeviceFacts& facts) const {
    switch (row.who) {
        case Who::both:
            return true;
        case Who::agent:
            return identities_.is_agent(facts.number);
        case Who::tr181:
            return !settings_.is_tr098;
        case Who::tr098:
            return settings_.is_tr098;
        case Who::member:
            break;
    }
    return settings_.site_size > 1 && !identities_.is_gateway(facts.number);
}

std::string DeviceWords::value(const Row& row, const Device& device,
                               const DeviceFacts& facts) const {
    if (row.path == kCallPassword) return {};
    if (row.access == Access::write)
        for (const auto& [path, value] : device.parameters)
            if (path == row.path) return value;
    return row.value({settings_, identities_, device, facts});
}

std::vector<cwmp::ParameterValue> DeviceWords::inform_parameters(const Device& device,
                                                                 const DeviceFacts& facts) const {
    std::vector<cwmp::ParameterValue> out;
    out.reserve(std::size(kRows));
    for (const auto& row : kRows)
        if (row.sent == Sent::inform && has(row, facts))
            out.push_back({std::string(root()) + std::string(row.path), value(row, device, facts),
                           std::string(row.type)});
    return out;
}

// An object whole, or one parameter; a name that it does not have fails them all, as with real
// CPEs.
cwmp::Message DeviceWords::get_values(const cwmp::GetParameterValues& request, const Device& device,
                                      const DeviceFacts& facts) const {
    cwmp::GetParameterValuesResponse out;
    for (const auto& name : request.names) {
        const auto before = out.parameters.size();
        for (const auto& row : kRows) {
            if (!has(row, facts)) continue;
            auto path = std::string(root()) + std::string(row.path);
            const bool is_meant = name.ends_with('.') ? path.starts_with(name) : path == name;
            if (is_meant)
                out.parameters.push_back(
                    {std::move(path), value(row, device, facts), std::string(row.type)});
        }
        if (out.parameters.size() == before)
            return fault(cwmp::FaultCode::invalid_parameter_name, "no parameter " + name);
    }
    return out;
}

cwmp::Message DeviceWords::get_names(const cwmp::GetParameterNames& request, const Device&,
                                     const DeviceFacts& facts) const {
    cwmp::GetParameterNamesResponse out;
    for (const auto& row : kRows) {
        auto path = std::string(root()) + std::string(row.path);
        if (has(row, facts) && path.starts_with(request.path))
            out.parameters.push_back({std::move(path), row.access == Access::write});
    }
    if (out.parameters.empty())
        return fault(cwmp::FaultCode::invalid_parameter_name, "no parameter " + request.path);
    return out;
}

cwmp::Message DeviceWords::set_values(const cwmp::SetParameterValues& request, Device& device,
                                      const DeviceFacts& facts) const {
    using cwmp::FaultCode;
    cwmp::Fault refusal = fault(FaultCode::invalid_arguments, "nothing was set");
    std::vector<std::pair<std::string, std::string>> wanted;
    for (const auto& p : request.parameters) {
        const auto* row = std::ranges::find_if(kRows, [&](const Row& r) {
            return has(r, facts) && p.name == std::string(root()) + std::string(r.path);
        });
        if (row == std::end(kRows))
            refusal.parameters.push_back(
                {p.name, code_of(FaultCode::invalid_parameter_name), "no such parameter"});
        else if (row->access == Access::read)
            refusal.parameters.push_back(
                {p.name, code_of(FaultCode::not_writable), "it is read-only"});
        else
            wanted.emplace_back(row->path, p.value);
    }
    if (!refusal.parameters.empty()) return refusal;
    for (auto& [path, value] : wanted) {
        (void)take_value(device, path);
        device.parameters.emplace_back(std::move(path), std::move(value));
    }
    device.parameter_key = request.parameter_key;
    return cwmp::SetParameterValuesResponse{0};
}

}  // namespace sluice::sim::fleet
