#include "acs-plugin/mapping/reading.hpp"

#include <algorithm>

#include "acs-plugin/mapping/values.hpp"
#include "engine/cwmp/exchange.hpp"
#include "engine/http/text.hpp"
#include "engine/inventory/site.hpp"

namespace sluice::mapping {
namespace {

constexpr std::string_view kDevice = "Device.";                  // TR-181
constexpr std::string_view kGateway = "InternetGatewayDevice.";  // TR-098
constexpr std::string_view kInstance = "{i}";
constexpr std::size_t kMaxText = 64;
constexpr std::size_t kMaxSite = 256;
constexpr std::size_t kMaxUrl = 256;
constexpr std::size_t kMaxValues = 256;
constexpr std::size_t kMaxValue = 512;

std::string_view root_of(std::string_view name) {
    for (const auto root : {kDevice, kGateway})
        if (name.starts_with(root)) return root;
    return {};
}

// A source's path under this root; nothing when it belongs to the other one.
std::optional<std::string_view> under(std::string_view root, std::string_view path) {
    const auto own = root_of(path);
    if (!own.empty() && own != root) return std::nullopt;
    return path.substr(own.size());
}

bool is_instance_number(std::string_view segment) {
    return !segment.empty() && std::ranges::all_of(segment, http::is_digit);
}

// "A.{i}.B" matches "A.7.B".
bool matches(std::string_view pattern, std::string_view name) {
    for (;;) {
        const auto hole = pattern.find(kInstance);
        if (hole == std::string_view::npos) return pattern == name;
        if (!name.starts_with(pattern.substr(0, hole))) return false;
        name.remove_prefix(hole);
        pattern.remove_prefix(hole + kInstance.size());
        const auto dot = std::min(name.find('.'), name.size());
        if (!is_instance_number(name.substr(0, dot))) return false;
        name.remove_prefix(dot);
    }
}

// Parts of one object, which is there as a whole or not at all: asked for as a whole.
bool is_of_gateway(Field field) {
    return field == Field::gateway_oui || field == Field::gateway_class ||
           field == Field::gateway_serial;
}

std::uint16_t read_protocols(std::string_view list) {
    std::uint16_t out = 0;
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        const auto one = http::trim(list.substr(0, comma));
        if (one == "http/1") out |= inventory::kPeerHttpV1;
        if (one == "swarm/1") out |= inventory::kSwarmV1;
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return out;
}

}  // namespace

std::string identity_of(const cwmp::DeviceId& device) {
    inventory::DeviceReport id;
    id.oui = read_text(device.oui, kMaxText);
    id.product_class = read_text(device.product_class, kMaxText);
    id.serial = read_text(device.serial_number, kMaxText);
    return inventory::identity_of(id);
}

void Reading::take(const cwmp::Inform& inform, cwmp::Namespace ns,
                   const service::DeviceRow* known) {
    device_ = inform.device;
    ns_ = ns;
    max_envelopes_ = inform.max_envelopes;
    is_boot_ = std::ranges::any_of(inform.events, [](const auto& e) {
        return cwmp::is_event(e.event_code, "0") || cwmp::is_event(e.event_code, "1");
    });
    values_.clear();
    is_agent_ = was_asked_ = false;
    root_ = known != nullptr && !known->root.empty() ? known->root : std::string(kDevice);
    for (const auto& p : inform.parameters)
        if (const auto root = root_of(p.name); !root.empty()) {
            root_ = root;
            break;
        }
    take(inform.parameters);
}

void Reading::take(const cwmp::GetParameterValuesResponse& answer) {
    take(answer.parameters);
}

void Reading::take(const std::vector<cwmp::ParameterValue>& parameters) {
    for (const auto& p : parameters) {
        const auto name = std::string_view(p.name).substr(root_of(p.name).size());
        if (name.starts_with(mapping_->agent_object)) is_agent_ = true;
        if (values_.size() < kMaxValues && is_wanted(name))
            values_.insert_or_assign(std::string(name), p.value.substr(0, kMaxValue));
    }
}

// A session keeps what it will look at: a device may say sixteen thousand other things.
bool Reading::is_wanted(std::string_view name) const {
    for (const auto& of_field : mapping_->sources)
        for (const auto& source : of_field)
            if (const auto path = under(root_, source.path); path && matches(*path, name))
                return true;
    return false;
}

Reading::Found Reading::find(Field field) const {
    for (const auto& source : mapping_->of(field)) {
        const auto path = under(root_, source.path);
        if (!path) continue;
        const auto hole = path->find(kInstance);
        if (hole == std::string_view::npos) {
            if (const auto at = values_.find(*path); at != values_.end())
                return {&at->second, source.factor};
            continue;
        }
        const auto fixed = path->substr(0, hole);
        for (auto at = values_.lower_bound(fixed);
             at != values_.end() && at->first.starts_with(fixed); ++at)
            if (!at->second.empty() && matches(*path, at->first))
                return {&at->second, source.factor};
    }
    return {};
}

std::string Reading::text(Field field, std::size_t longest) const {
    const auto found = find(field);
    return found.value == nullptr ? std::string() : read_text(*found.value, longest);
}

std::vector<std::string> Reading::paths_to_ask(const service::DeviceRow* known) const {
    const bool is_new_firmware = known != nullptr && known->report.software_version !=
                                                         text(Field::software_version, kMaxText);
    // Whoever has our object says it all in every Inform.
    if (is_agent() || (known != nullptr && !is_boot_ && !is_new_firmware)) return {};
    std::vector<std::string> out;
    const auto add = [&](std::string_view path) {
        auto whole = root_ + std::string(path.substr(0, path.find(kInstance)));
        if (std::ranges::find(out, whole) == out.end()) out.push_back(std::move(whole));
    };
    for (const auto field : mapping_->asked) {
        if (find(field).value != nullptr) continue;
        for (const auto& source : mapping_->of(field)) {
            auto path = under(root_, source.path);
            if (!path) continue;
            if (is_of_gateway(field)) path = path->substr(0, path->rfind('.') + 1);
            if (!path->starts_with(mapping_->agent_object)) add(*path);
            break;
        }
    }
    if (mapping_->asks_for_agent) add(mapping_->agent_object);
    return out;
}

bool Reading::may_send_second_envelope() const {
    return std::ranges::any_of(mapping_->second_envelope_models, [&](const std::string& model) {
        return model == device_.oui || model == device_.oui + "-" + device_.product_class;
    });
}

void Reading::fill_file_server(const service::DeviceRow* known,
                               const std::vector<inventory::Prefix>& lan,
                               inventory::DeviceReport& out) const {
    const auto enable = find(Field::file_server_enable), url = find(Field::file_server_url);
    if (enable.value == nullptr && url.value == nullptr) {
        if (known == nullptr || was_asked_) return;
        out.has_file_server = known->report.has_file_server;
        out.file_server = known->report.file_server;
        return;
    }
    if (enable.value != nullptr && !read_flag(*enable.value).value_or(false)) return;
    if (url.value == nullptr) return;
    const auto endpoint = inventory::parse_endpoint(read_text(*url.value, kMaxUrl));
    // A URL that leads out of the site is how one device would turn all others against a stranger.
    if (!endpoint.has_value() || !inventory::is_inside(endpoint.value(), lan)) return;
    out.has_file_server = true;
    out.file_server = endpoint.value();
}

void Reading::fill_report(const service::DeviceRow* known,
                          const std::vector<inventory::Prefix>& lan,
                          inventory::DeviceReport& out) const {
    // What was said before counts where nothing was asked.
    const auto* before = known != nullptr && !was_asked_ ? &known->report : nullptr;
    const auto number = [&](Field field) -> std::optional<std::uint64_t> {
        const auto found = find(field);
        if (found.value == nullptr) return std::nullopt;
        return read_number(*found.value, found.factor);
    };
    const auto flag = [&](Field field, bool otherwise) {
        const auto found = find(field);
        return found.value == nullptr ? otherwise : read_flag(*found.value).value_or(otherwise);
    };
    out.oui = read_text(device_.oui, kMaxText);
    out.product_class = read_text(device_.product_class, kMaxText);
    out.serial = read_text(device_.serial_number, kMaxText);
    out.manufacturer = read_text(device_.manufacturer, kMaxText);
    if (out.manufacturer.empty()) out.manufacturer = text(Field::manufacturer, kMaxText);
    out.hardware_version = text(Field::hardware_version, kMaxText);
    if (out.hardware_version.empty() && before != nullptr)
        out.hardware_version = before->hardware_version;
    out.software_version = text(Field::software_version, kMaxText);
    if (out.software_version.empty() && before != nullptr)
        out.software_version = before->software_version;
    if (const auto cpu = find(Field::cpu_percent); cpu.value != nullptr)
        out.cpu_percent = read_percent(*cpu.value);
    out.cache_bytes = number(Field::cache_bytes);
    out.uplink_bps = number(Field::uplink_bps);
    out.downlink_bps = number(Field::downlink_bps);
    out.is_enabled = flag(Field::enable, before == nullptr || before->is_enabled);
    const auto protocols = find(Field::protocols);
    const bool was_agent = before != nullptr && before->kind == inventory::DeviceKind::agent;
    out.protocols = protocols.value != nullptr ? read_protocols(*protocols.value)
                    : was_agent                ? before->protocols
                                               : 0;
    out.kind =
        is_agent() || was_agent ? inventory::DeviceKind::agent : inventory::DeviceKind::plain;
    const auto managed = number(Field::managed_devices);
    out.is_gateway =
        flag(Field::is_gateway, managed ? *managed > 0 : before != nullptr && before->is_gateway);
    fill_file_server(known, lan, out);
}

void Reading::fill_evidence(const service::DeviceRow* known, service::Contact& out) const {
    auto& evidence = out.evidence;
    evidence.parameter = text(Field::site, kMaxSite);
    inventory::DeviceReport gateway;
    gateway.oui = text(Field::gateway_oui, kMaxText);
    gateway.product_class = text(Field::gateway_class, kMaxText);
    gateway.serial = text(Field::gateway_serial, kMaxText);
    if (!gateway.oui.empty() && !gateway.serial.empty()) {
        evidence.gateway = inventory::identity_of(gateway);
    } else if (out.report.is_gateway) {
        evidence.gateway = identity_of(device_);
    }
    if (known == nullptr || was_asked_ || is_agent()) return;
    const auto& site = known->report.site;
    if (evidence.parameter.empty() && site.source == inventory::SiteSource::parameter)
        evidence.parameter = site.value;
    if (evidence.gateway.empty() && site.source == inventory::SiteSource::gateway)
        evidence.gateway = site.value;
}

service::Contact Reading::contact(const service::DeviceRow* known,
                                  const std::string& source_address,
                                  const std::vector<inventory::Prefix>& lan) const {
    service::Contact out;
    fill_report(known, lan, out.report);
    fill_evidence(known, out);
    out.evidence.source_address = source_address;
    out.connection_url = text(Field::connection_url, kMaxUrl);
    out.connection_username = text(Field::connection_username, kMaxUrl);
    out.config_version = text(Field::config_version, kMaxText);
    out.time_zone = text(Field::time_zone, kMaxText);
    if (known != nullptr && out.connection_url.empty()) out.connection_url = known->connection_url;
    out.root = root_;
    out.cwmp = static_cast<std::uint8_t>(ns_);
    out.max_envelopes = max_envelopes_;
    out.is_boot = is_boot_;
    out.state = text(Field::state, kMaxText);
    const auto number = [&](Field field) -> std::optional<std::uint64_t> {
        const auto found = find(field);
        if (found.value == nullptr) return std::nullopt;
        return read_number(*found.value, found.factor);
    };
    if (const auto healthy = find(Field::is_healthy); healthy.value != nullptr)
        out.is_healthy = read_flag(*healthy.value);
    out.peer_bytes = number(Field::peer_bytes);
    out.origin_bytes = number(Field::origin_bytes);
    out.fetch_ms = number(Field::fetch_ms);
    return out;
}

}  // namespace sluice::mapping
