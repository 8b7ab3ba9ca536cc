#include "acs-plugin/mapping/parameter_mapping.hpp"

#include <algorithm>

#include "engine/grouping/json_reader.hpp"
#include "engine/http/text.hpp"

namespace sluice::mapping {
namespace {

constexpr std::size_t kMaxBytes = 256 * 1024;
constexpr std::size_t kMaxSources = 16;
constexpr std::size_t kMaxModels = 1024;
constexpr std::size_t kMaxPath = 256;  // TR-069: of a parameter's name

constexpr std::array<std::string_view, kFieldCount> kNames{"manufacturer",
                                                           "hardware_version",
                                                           "software_version",
                                                           "config_version",
                                                           "time_zone",
                                                           "connection_url",
                                                           "connection_username",
                                                           "site",
                                                           "cpu_percent",
                                                           "cache_bytes",
                                                           "uplink_bps",
                                                           "downlink_bps",
                                                           "enable",
                                                           "file_server_enable",
                                                           "file_server_url",
                                                           "protocols",
                                                           "is_gateway",
                                                           "state",
                                                           "is_healthy",
                                                           "peer_bytes",
                                                           "origin_bytes",
                                                           "fetch_ms",
                                                           "gateway_oui",
                                                           "gateway_class",
                                                           "gateway_serial",
                                                           "managed_devices"};

// The standard's parameters beside our own object. Line rates are in kbit/s there.
struct BuiltIn {
    Field field;
    std::string_view path;
    std::uint64_t factor = 1;
};
constexpr BuiltIn kBuiltIn[] = {
    {Field::manufacturer, "DeviceInfo.Manufacturer"},
    {Field::hardware_version, "DeviceInfo.HardwareVersion"},
    {Field::software_version, "DeviceInfo.SoftwareVersion"},
    {Field::config_version, "DeviceInfo.VendorConfigFile.{i}.Version"},
    {Field::time_zone, "Device.Time.LocalTimeZone"},
    {Field::time_zone, "InternetGatewayDevice.Time.LocalTimeZoneName"},
    {Field::connection_url, "ManagementServer.ConnectionRequestURL"},
    {Field::connection_username, "ManagementServer.ConnectionRequestUsername"},
    {Field::site, "X_SLUICE_PeerDownload.Site"},
    {Field::cpu_percent, "X_SLUICE_PeerDownload.AverageCPU"},
    {Field::cpu_percent, "DeviceInfo.ProcessStatus.CPUUsage"},
    {Field::cache_bytes, "X_SLUICE_PeerDownload.CacheSize"},
    {Field::uplink_bps, "X_SLUICE_PeerDownload.UplinkRate"},
    {Field::uplink_bps, "Device.DSL.Channel.{i}.UpstreamCurrRate", 1000},
    {Field::uplink_bps,
     "InternetGatewayDevice.WANDevice.{i}.WANCommonInterfaceConfig.Layer1UpstreamMaxBitRate"},
    {Field::downlink_bps, "X_SLUICE_PeerDownload.DownlinkRate"},
    {Field::downlink_bps, "Device.DSL.Channel.{i}.DownstreamCurrRate", 1000},
    {Field::downlink_bps,
     "InternetGatewayDevice.WANDevice.{i}.WANCommonInterfaceConfig.Layer1DownstreamMaxBitRate"},
    {Field::enable, "X_SLUICE_PeerDownload.Enable"},
    {Field::file_server_enable, "X_SLUICE_PeerDownload.FileServerEnable"},
    {Field::file_server_url, "X_SLUICE_PeerDownload.FileServerURL"},
    {Field::protocols, "X_SLUICE_PeerDownload.Protocols"},
    {Field::is_gateway, "X_SLUICE_PeerDownload.IsGateway"},
    {Field::state, "X_SLUICE_PeerDownload.State"},
    {Field::is_healthy, "X_SLUICE_PeerDownload.Healthy"},
    {Field::peer_bytes, "X_SLUICE_PeerDownload.PeerBytes"},
    {Field::origin_bytes, "X_SLUICE_PeerDownload.OriginBytes"},
    {Field::fetch_ms, "X_SLUICE_PeerDownload.FetchMilliseconds"},
    {Field::gateway_oui, "Device.GatewayInfo.ManufacturerOUI"},
    {Field::gateway_class, "Device.GatewayInfo.ProductClass"},
    {Field::gateway_serial, "Device.GatewayInfo.SerialNumber"},
    {Field::managed_devices, "ManagementServer.ManageableDeviceNumberOfEntries"},
};

Result<Source> read_source(const std::string& text) {
    Source out{text, 1};
    if (const auto star = text.find('*'); star != std::string::npos) {
        const auto factor = http::parse_number<std::uint64_t>(text.substr(star + 1));
        if (!factor || *factor == 0 || *factor > 1'000'000'000)
            return Error{"'" + text + "': what stands after '*' is no factor"};
        out.factor = *factor;
        out.path.resize(star);
    }
    if (out.path.empty() || out.path.ends_with('.') || out.path.starts_with('.'))
        return Error{"'" + text + "' is no parameter's path"};
    return out;
}

void read_sources(grouping::JsonReader& from, ParameterMapping& out) {
    for (std::size_t i = 0; i < kFieldCount; ++i) {
        if (!from.has(kNames[i])) continue;
        out.sources[i].clear();
        for (const auto& text : from.texts_or_none(kNames[i], kMaxSources, kMaxPath)) {
            const auto source = read_source(text);
            if (!source.has_value()) return from.refuse(kNames[i], source.error().message);
            out.sources[i].push_back(source.value());
        }
    }
    from.finish();
}

void read_asked(grouping::JsonReader& from, ParameterMapping& out) {
    if (!from.has("ask")) return;
    std::vector<std::string_view> names(kNames.begin(), kNames.end());
    names.push_back("agent");
    out.asked.clear();
    out.asks_for_agent = false;
    for (const auto place : from.choices("ask", names)) {
        if (place == kFieldCount)
            out.asks_for_agent = true;
        else
            out.asked.push_back(static_cast<Field>(place));
    }
}

}  // namespace

std::string_view name_of(Field field) {
    return kNames[static_cast<std::size_t>(field)];
}

ParameterMapping built_in_mapping() {
    ParameterMapping out;
    for (const auto& one : kBuiltIn)
        out.sources[static_cast<std::size_t>(one.field)].push_back(
            {std::string(one.path), one.factor});
    out.asked = {Field::hardware_version, Field::software_version, Field::config_version,
                 Field::gateway_oui,      Field::gateway_class,    Field::gateway_serial,
                 Field::managed_devices,  Field::time_zone};
    return out;
}

Result<ParameterMapping> parse_mapping(std::string_view json) {
    SLUICE_TRY(auto document, grouping::JsonDocument::parse(json, kMaxBytes));
    auto from = document.root(grouping::UnknownKeys::refused);
    auto out = built_in_mapping();
    if (auto fields = from.object_if_any("fields")) read_sources(*fields, out);
    read_asked(from, out);
    out.agent_object = from.text_or("agent_object", out.agent_object, kMaxPath);
    if (!out.agent_object.ends_with('.')) from.refuse("agent_object", "does not end with '.'");
    const auto read_vendor_type = [&](std::string_view key, std::string& type) {
        type = from.text_or(key, type, 64);
        if (!type.starts_with("X ")) from.refuse(key, "does not begin with 'X ' and an OUI");
    };
    read_vendor_type("stage_file_type", out.stage_file_type);
    read_vendor_type("convert_file_type", out.convert_file_type);
    read_vendor_type("converted_file_type", out.converted_file_type);
    out.second_envelope_models = from.texts_or_none("second_envelope_models", kMaxModels, kMaxPath);
    from.finish();
    SLUICE_CHECK(document.verdict());
    return out;
}

}  // namespace sluice::mapping
