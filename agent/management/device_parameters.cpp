#include "agent/management/device_parameters.hpp"

#include <algorithm>

#include "agent/membership.hpp"
#include "engine/base/utc.hpp"

namespace sluice::agent::management {
namespace {

std::string text_of(bool value) {
    return boolean_text(value);
}
std::string text_of(std::uint64_t value) {
    return std::to_string(value);
}

}  // namespace

std::string boolean_text(bool value) {
    return value ? "true" : "false";
}

std::string_view xsd_of(Type type) {
    switch (type) {
        case Type::text:
            return "xsd:string";
        case Type::boolean:
            return "xsd:boolean";
        case Type::number:
            return "xsd:unsignedInt";
        case Type::big:
            return "xsd:unsignedLong";
        case Type::date:
            break;
    }
    return "xsd:dateTime";
}

const std::vector<ParameterRow>& parameter_rows() {
    using enum Type;
    using enum Sent;
    using V = const ParameterSources&;
    constexpr auto ro = Access::read;
    constexpr auto rw = Access::write;
    static const std::vector<ParameterRow> kRows{
        {"RootDataModelVersion", text, ro, In::tr181, inform,
         [](V) -> std::string { return "2.15"; }},
        {"DeviceSummary", text, ro, In::tr098, inform,
         [](V) -> std::string { return "InternetGatewayDevice:1.14[](Baseline:1)"; }},
        {"DeviceInfo.Manufacturer", text, ro, In::both, asked,
         [](V v) -> std::string { return v.settings.device.manufacturer; }},
        {"DeviceInfo.ManufacturerOUI", text, ro, In::both, asked,
         [](V v) -> std::string { return v.settings.device.oui; }},
        {"DeviceInfo.ProductClass", text, ro, In::both, asked,
         [](V v) -> std::string { return v.settings.device.product_class; }},
        {"DeviceInfo.SerialNumber", text, ro, In::both, asked,
         [](V v) -> std::string { return v.settings.device.serial_number; }},
        {"DeviceInfo.SpecVersion", text, ro, In::tr098, inform,
         [](V) -> std::string { return "1.0"; }},
        {"DeviceInfo.HardwareVersion", text, ro, In::both, inform,
         [](V v) -> std::string { return v.settings.hardware_version; }},
        {"DeviceInfo.SoftwareVersion", text, ro, In::both, inform,
         [](V v) -> std::string { return v.live.software_version; }},
        {"DeviceInfo.ProvisioningCode", text, rw, In::both, inform,
         [](V v) -> std::string { return v.settings.provisioning_code; }},
        {"DeviceInfo.UpTime", number, ro, In::both, asked,
         [](V v) -> std::string { return text_of(v.live.up_seconds); }},
        {"DeviceInfo.MemoryStatus.Total", number, ro, In::both, asked,
         [](V v) -> std::string { return text_of(v.live.memory_total_kib); }},
        {"DeviceInfo.MemoryStatus.Free", number, ro, In::both, asked,
         [](V v) -> std::string { return text_of(v.live.memory_free_kib); }},
        {"DeviceInfo.ProcessStatus.CPUUsage", number, ro, In::both, asked,
         [](V v) -> std::string { return text_of(std::uint64_t{v.live.cpu_percent}); }},
        {"DeviceInfo.VendorConfigFileNumberOfEntries", number, ro, In::both, asked,
         [](V) -> std::string { return "1"; }},
        {"DeviceInfo.VendorConfigFile.1.Name", text, ro, In::both, asked,
         [](V v) -> std::string { return v.state.config_name; }},
        {"DeviceInfo.VendorConfigFile.1.Version", text, ro, In::both, asked,
         [](V v) -> std::string { return v.state.config_version; }},
        {"DeviceInfo.VendorConfigFile.1.Date", date, ro, In::both, asked,
         [](V v) -> std::string {
             return v.state.config_date.seconds == 0 ? std::string(kNoTime)
                                                     : format_utc(v.state.config_date);
         }},
        {"DeviceInfo.VendorConfigFile.1.Description", text, ro, In::both, asked,
         [](V) -> std::string { return ""; }},
        {"ManagementServer.EnableCWMP", boolean, ro, In::tr181, asked,
         [](V) -> std::string { return "true"; }},
        {kAcsUrl, text, rw, In::both, asked, [](V v) -> std::string { return v.settings.acs_url; }},
        {kAcsUsername, text, rw, In::both, asked,
         [](V v) -> std::string { return v.settings.acs.username; }},
        {kAcsPassword, text, Access::secret, In::both, asked, [](V) -> std::string { return ""; }},
        {kPeriodicEnable, boolean, rw, In::both, asked,
         [](V v) -> std::string { return text_of(v.settings.periodic_interval != Duration{}); }},
        {kPeriodicInterval, number, rw, In::both, asked,
         [](V v) -> std::string {
             return text_of(static_cast<std::uint64_t>(
                 std::max<std::int64_t>(v.settings.periodic_interval / 1s, 1)));
         }},
        {kPeriodicTime, date, rw, In::both, asked,
         [](V) -> std::string { return std::string(kNoTime); }},
        {"ManagementServer.ParameterKey", text, ro, In::both, inform,
         [](V v) -> std::string { return v.state.parameter_key; }},
        {"ManagementServer.ConnectionRequestURL", text, ro, In::both, inform,
         [](V v) -> std::string { return v.live.connection_url; }},
        {kCallUsername, text, rw, In::both, asked,
         [](V v) -> std::string { return v.settings.connection.username; }},
        {kCallPassword, text, Access::secret, In::both, asked, [](V) -> std::string { return ""; }},
        {"ManagementServer.UpgradesManaged", boolean, rw, In::both, asked,
         [](V) -> std::string { return "true"; }},
        {"GatewayInfo.ManufacturerOUI", text, ro, In::both, inform,
         [](V v) -> std::string { return v.settings.gateway.oui; }},
        {"GatewayInfo.ProductClass", text, ro, In::both, inform,
         [](V v) -> std::string { return v.settings.gateway.product_class; }},
        {"GatewayInfo.SerialNumber", text, ro, In::both, inform,
         [](V v) -> std::string { return v.settings.gateway.serial; }},
        {"WANDevice.1.WANConnectionDevice.1.WANIPConnection.1.ExternalIPAddress", text, ro,
         In::tr098, inform, [](V v) -> std::string { return v.settings.local_address; }},
        {kEnable, boolean, rw, In::both, inform, [](V) -> std::string { return "true"; }},
        {"X_SLUICE_PeerDownload.Role", text, ro, In::both, inform,
         [](V v) -> std::string { return v.state.last.role; }},
        {"X_SLUICE_PeerDownload.State", text, ro, In::both, inform,
         [](V v) -> std::string { return v.live.state; }},
        {"X_SLUICE_PeerDownload.Site", text, ro, In::both, inform,
         [](V v) -> std::string { return v.settings.site; }},
        {"X_SLUICE_PeerDownload.AverageCPU", number, ro, In::both, inform,
         [](V v) -> std::string { return text_of(std::uint64_t{v.live.cpu_percent}); }},
        {"X_SLUICE_PeerDownload.CacheSize", big, ro, In::both, inform,
         [](V v) -> std::string { return text_of(v.live.cache_bytes); }},
        {"X_SLUICE_PeerDownload.UplinkRate", big, ro, In::both, inform,
         [](V v) -> std::string { return text_of(v.settings.uplink_bps); }},
        {"X_SLUICE_PeerDownload.DownlinkRate", big, ro, In::both, inform,
         [](V v) -> std::string { return text_of(v.settings.downlink_bps); }},
        {"X_SLUICE_PeerDownload.LanRate", big, ro, In::both, inform,
         [](V v) -> std::string { return text_of(v.settings.lan_bps); }},
        {"X_SLUICE_PeerDownload.FileServerEnable", boolean, ro, In::both, inform,
         [](V v) -> std::string { return text_of(!v.live.file_server_url.empty()); }},
        {"X_SLUICE_PeerDownload.FileServerURL", text, ro, In::both, inform,
         [](V v) -> std::string { return v.live.file_server_url; }},
        {kMasterUrl, text, rw, In::both, inform, [](V) -> std::string { return ""; }},
        {kAssignmentUrl, text, rw, In::both, inform, [](V) -> std::string { return ""; }},
        {"X_SLUICE_PeerDownload.Protocols", text, ro, In::both, inform,
         [](V) -> std::string { return can_swarm() ? "http/1,swarm/1" : "http/1"; }},
        {"X_SLUICE_PeerDownload.IsGateway", boolean, ro, In::both, inform,
         [](V v) -> std::string { return text_of(v.settings.is_gateway); }},
        {"X_SLUICE_PeerDownload.PeerBytes", big, ro, In::both, inform,
         [](V v) -> std::string { return text_of(v.state.last.peer_bytes); }},
        {"X_SLUICE_PeerDownload.OriginBytes", big, ro, In::both, inform,
         [](V v) -> std::string { return text_of(v.state.last.origin_bytes); }},
        {"X_SLUICE_PeerDownload.FetchMilliseconds", big, ro, In::both, inform,
         [](V v) -> std::string { return text_of(v.state.last.fetch_ms); }},
        {"X_SLUICE_PeerDownload.Healthy", boolean, ro, In::both, inform,
         [](V v) -> std::string { return text_of(v.live.is_healthy); }},
        {"X_SLUICE_PeerDownload.SecurityVersion", number, ro, In::both, inform,
         [](V v) -> std::string { return text_of(std::uint64_t{v.live.security_version}); }},
    };
    return kRows;
}

}  // namespace sluice::agent::management
