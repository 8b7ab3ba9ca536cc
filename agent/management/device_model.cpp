#include "agent/management/device_model.hpp"

#include <algorithm>
#include <set>

#include "engine/base/utc.hpp"
#include "engine/http/text.hpp"

namespace sluice::agent::management {
namespace {

constexpr std::size_t kMaxSetLength = 512;

// 'xsd:string', 'string', or nothing said.
bool is_type(std::string_view said, Type type) {
    if (said.empty()) return true;
    const auto colon = said.rfind(':');
    const auto local = colon == said.npos ? said : said.substr(colon + 1);
    return local == xsd_of(type).substr(4) ||
           (type == Type::number && (local == "int" || local == "unsignedLong" || local == "long"));
}

std::optional<bool> boolean_of(std::string_view text) {
    if (text == "1" || text == "true") return true;
    if (text == "0" || text == "false") return false;
    return std::nullopt;
}

bool is_url_or_empty(std::string_view value) {
    return value.empty() || net::parse_url(value).has_value();
}

bool is_value(std::string_view path, Type type, std::string_view value) {
    switch (type) {
        case Type::boolean:
            return boolean_of(value).has_value();
        case Type::number: {
            const auto number = http::parse_number<std::uint32_t>(value);
            return number && (path != kPeriodicInterval || *number > 0);
        }
        case Type::date:
            return value == kNoTime || parse_utc(value).has_value();
        case Type::big:
        case Type::text:
            break;
    }
    if (value.size() > kMaxSetLength) return false;
    if (path == kAcsUrl) return net::parse_url(value).has_value();
    return !(path == kMasterUrl || path == kAssignmentUrl) || is_url_or_empty(value);
}

cwmp::Fault fault(cwmp::FaultCode code, std::string text) {
    return {code_of(code), std::move(text), {}};
}

}  // namespace

std::string_view DeviceModel::root() const {
    return settings_.data_model == DataModel::tr181 ? "Device." : "InternetGatewayDevice.";
}

bool DeviceModel::is_there(const ParameterRow& row) const {
    if (row.path.starts_with("GatewayInfo.")) return !settings_.gateway.serial.empty();
    if (row.path.find("FirmwareImage") != row.path.npos && settings_.slots.empty()) return false;
    const auto only = settings_.data_model == DataModel::tr181 ? In::tr181 : In::tr098;
    return row.in == In::both || row.in == only;
}

std::string DeviceModel::path_of(const ParameterRow& row) const {
    return std::string(root()) + std::string(row.path);
}

std::string DeviceModel::value_of(const ParameterRow& row, const LiveFacts& live) const {
    if (row.access == Access::secret) return {};
    if (row.access == Access::write)
        if (const auto at = state_.parameters.find(row.path); at != state_.parameters.end())
            return at->second;
    return row.value({settings_, state_, live});
}

const ParameterRow* DeviceModel::find(std::string_view path) const {
    if (!path.starts_with(root())) return nullptr;
    path.remove_prefix(root().size());
    for (const auto& row : parameter_rows())
        if (row.path == path && is_there(row)) return &row;
    return nullptr;
}

// --- reading -------------------------------------------------------------------------------------

std::vector<cwmp::ParameterValue> DeviceModel::inform_parameters(const LiveFacts& live) const {
    std::vector<cwmp::ParameterValue> out;
    for (const auto& row : parameter_rows())
        if (row.sent == Sent::inform && is_there(row))
            out.push_back({path_of(row), value_of(row, live), std::string(xsd_of(row.type))});
    return out;
}

cwmp::Message DeviceModel::get_values(const cwmp::GetParameterValues& request,
                                      const LiveFacts& live) const {
    cwmp::GetParameterValuesResponse response;
    std::set<std::string> given;  // overlapping paths: each parameter once
    for (const auto& name : request.names) {
        const bool is_partial = name.empty() || name.ends_with('.');
        bool is_known = false;
        for (const auto& row : parameter_rows()) {
            if (!is_there(row)) continue;
            const auto path = path_of(row);
            if (is_partial ? !path.starts_with(name) : path != name) continue;
            is_known = true;
            if (given.insert(path).second)
                response.parameters.push_back(
                    {path, value_of(row, live), std::string(xsd_of(row.type))});
        }
        if (!is_known)
            return fault(cwmp::FaultCode::invalid_parameter_name, "no parameter " + name);
    }
    return response;
}

// A path that ends in a dot: what is below it; next level: one step, objects by their own name.
cwmp::Message DeviceModel::get_names(const cwmp::GetParameterNames& request) const {
    const auto& path = request.path;
    const bool is_partial = path.empty() || path.ends_with('.');
    std::set<std::string> objects;
    std::vector<cwmp::ParameterInfo> out;
    for (const auto& row : parameter_rows()) {
        if (!is_there(row)) continue;
        const auto whole = path_of(row);
        if (is_partial ? !whole.starts_with(path) : whole != path) continue;
        if (!is_partial && request.is_next_level)
            return fault(cwmp::FaultCode::invalid_arguments, path + " has no next level");
        const bool is_writable = row.access != Access::read;
        // Every object between the path and the parameter.
        auto dot = whole.find('.', path.size());
        for (; dot != whole.npos; dot = whole.find('.', dot + 1)) {
            auto object = whole.substr(0, dot + 1);
            if (objects.insert(object).second) out.push_back({std::move(object), false});
            if (request.is_next_level) break;
        }
        if (!request.is_next_level || dot == whole.npos) out.push_back({whole, is_writable});
    }
    if (out.empty()) return fault(cwmp::FaultCode::invalid_parameter_name, "no parameter " + path);
    // The object itself belongs to its subtree.
    if (!request.is_next_level && !path.empty() && is_partial)
        out.insert(out.begin(), cwmp::ParameterInfo{path, false});
    return cwmp::GetParameterNamesResponse{std::move(out)};
}

// --- writing -------------------------------------------------------------------------------------

// "Device.DeviceInfo.FirmwareImage.2", with or without a dot at its end.
std::optional<install::Slot> DeviceModel::slot_named(std::string_view path) const {
    if (path.ends_with('.')) path.remove_suffix(1);
    for (const auto slot : {install::Slot::a, install::Slot::b})
        if (path == std::string(root()) + image_path(slot)) return slot;
    return std::nullopt;
}

// Why it cannot be set; nothing: it can.
std::optional<cwmp::SetParameterFault> DeviceModel::refusal(const cwmp::ParameterValue& wanted,
                                                            const LiveFacts& live) const {
    using cwmp::FaultCode;
    const auto refuse = [&](FaultCode code, const char* why) {
        return cwmp::SetParameterFault{wanted.name, code_of(code), why};
    };
    const auto* row = find(wanted.name);
    if (row == nullptr) return refuse(FaultCode::invalid_parameter_name, "no such parameter");
    if (row->access == Access::read) return refuse(FaultCode::not_writable, "it is read-only");
    if (!is_type(wanted.type, row->type))
        return refuse(FaultCode::invalid_parameter_type, "it is of another type");
    if (!is_value(row->path, row->type, wanted.value))
        return refuse(FaultCode::invalid_parameter_value, "not a value it can have");
    // What TLS promised is not given up because a server says so.
    if (row->path == kAcsUrl && !settings_.is_insecure_lab && !wanted.value.starts_with("https://"))
        return refuse(FaultCode::invalid_parameter_value, "not https");
    if (row->path != kBootImage) return std::nullopt;
    const auto slot = slot_named(wanted.value);
    if (!slot) return refuse(FaultCode::invalid_parameter_value, "no image of this device");
    if (slot == live.running) return std::nullopt;
    if (live.is_upgrading) return refuse(FaultCode::request_denied, "an upgrade is under way");
    if (!live.slots[static_cast<std::size_t>(*slot)].is_available())
        return refuse(FaultCode::invalid_parameter_value, "it is not available");
    return std::nullopt;
}

cwmp::Message DeviceModel::set_values(const cwmp::SetParameterValues& request,
                                      const LiveFacts& live) {
    using cwmp::FaultCode;
    std::vector<cwmp::SetParameterFault> faults;
    std::set<std::string_view> names;
    bool is_twice = false;
    for (const auto& wanted : request.parameters) {
        is_twice = !names.insert(wanted.name).second || is_twice;
        if (auto refused = refusal(wanted, live)) faults.push_back(std::move(*refused));
    }
    if (is_twice) return fault(FaultCode::invalid_arguments, "a parameter is named twice");
    if (request.parameter_key.size() > 32)
        return fault(FaultCode::invalid_arguments, "ParameterKey is longer than 32 characters");
    if (!faults.empty())
        return cwmp::Fault{code_of(FaultCode::invalid_arguments), "nothing was set",
                           std::move(faults)};
    for (const auto& wanted : request.parameters) {
        const auto* row = find(wanted.name);
        auto value = wanted.value;
        if (row->type == Type::boolean) value = boolean_text(*boolean_of(value));
        if (row->path == kBootImage) {
            const auto slot = *slot_named(value);
            state_.boot_slot = slot == live.running ? "" : std::string(1, install::letter(slot));
            continue;
        }
        state_.parameters[std::string(row->path)] = std::move(value);
    }
    state_.parameter_key = request.parameter_key;
    return cwmp::SetParameterValuesResponse{0};
}

// --- what the agent itself goes by ---------------------------------------------------------------

std::string DeviceModel::set_or(std::string_view relative, std::string otherwise) const {
    const auto at = state_.parameters.find(relative);
    return at == state_.parameters.end() ? std::move(otherwise) : at->second;
}

std::string DeviceModel::take(std::string_view relative) {
    auto value = set_or(relative, {});
    if (const auto at = state_.parameters.find(relative); at != state_.parameters.end())
        state_.parameters.erase(at);
    return value;
}

std::string DeviceModel::acs_url() const {
    return set_or(kAcsUrl, settings_.acs_url);
}

http::Credentials DeviceModel::acs_credentials() const {
    return {set_or(kAcsUsername, settings_.acs.username),
            set_or(kAcsPassword, settings_.acs.password)};
}

http::Credentials DeviceModel::connection_credentials() const {
    return {set_or(kCallUsername, settings_.connection.username),
            set_or(kCallPassword, settings_.connection.password)};
}

bool DeviceModel::is_peer_download_enabled() const {
    return set_or(kEnable, "true") == "true";
}

Duration DeviceModel::periodic_interval() const {
    const bool is_on =
        set_or(kPeriodicEnable, boolean_text(settings_.periodic_interval != Duration{})) == "true";
    if (!is_on) return {};
    const auto set = http::parse_number<std::uint32_t>(set_or(kPeriodicInterval, {}));
    if (set) return std::chrono::seconds(*set);
    return std::max<Duration>(settings_.periodic_interval, 1s);
}

std::optional<UtcTime> DeviceModel::periodic_time() const {
    const auto set = set_or(kPeriodicTime, {});
    if (set.empty() || set == kNoTime) return std::nullopt;
    const auto time = parse_utc(set);
    return time ? std::optional(time.value()) : std::nullopt;
}

bool DeviceModel::has_download_place() const {
    return !set_or(kAssignmentUrl, {}).empty() || !set_or(kMasterUrl, {}).empty();
}

std::string DeviceModel::take_assignment_url() {
    return take(kAssignmentUrl);
}
std::string DeviceModel::take_master_url() {
    return take(kMasterUrl);
}

}  // namespace sluice::agent::management
