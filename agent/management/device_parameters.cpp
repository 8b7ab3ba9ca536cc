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

std::string_view root_of(const Settings& settings) {
    return settings.data_model == DataModel::tr181 ? "Device." : "InternetGatewayDevice.";
}

// What boots next: the ACS's wish, else as the boot record says.
install::Slot next_boot(const ParameterSources& v) {
    if (v.state.boot_slot.empty()) return v.live.next_boot;
    return v.state.boot_slot == "b" ? install::Slot::b : install::Slot::a;
}

template <install::Slot kSlot>
const SlotFacts& slot_of(const ParameterSources& v) {
    return v.live.slots[static_cast<std::size_t>(kSlot)];
}

std::string status_of(const SlotFacts& slot) {
    if (!slot.is_whole) return "NoImage";
    return slot.failure.empty() ? "Available" : "ActivationFailed";
}

// FirmwareImage.{i}. of one slot.
template <install::Slot kSlot>
void add_image(std::vector<ParameterRow>& rows, const std::array<std::string_view, 5>& paths) {
    using V = const ParameterSources&;
    const auto add = [&](std::size_t i, Type type, std::string (*value)(V)) {
        rows.push_back({paths[i], type, Access::read, In::both, Sent::asked, value});
    };
    add(0, Type::text, [](V) { return std::string(1, install::letter(kSlot)); });
    add(1, Type::text, [](V v) { return slot_of<kSlot>(v).version; });
    add(2, Type::boolean, [](V v) { return text_of(slot_of<kSlot>(v).is_available()); });
    add(3, Type::text, [](V v) { return status_of(slot_of<kSlot>(v)); });
    add(4, Type::text, [](V v) { return slot_of<kSlot>(v).failure; });
}

// All but the slots'.
std::vector<ParameterRow> plain_rows() {
    using enum Type;
    using enum Sent;
    using V = const ParameterSources&;
    constexpr auto ro = Access::read;
    constexpr auto rw = Access::write;
    return {
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
         [](V v) -> std::string { return v.live.configuration.name; }},
        {"DeviceInfo.VendorConfigFile.1.Version", text, ro, In::both, asked,
         [](V v) -> std::string { return v.live.configuration.version; }},
        {"DeviceInfo.VendorConfigFile.1.Date", date, ro, In::both, asked,
         [](V v) -> std::string {
             const auto& date = v.live.configuration.date;
             return date.seconds == 0 ? std::string(kNoTime) : format_utc(date);
         }},
        {"DeviceInfo.VendorConfigFile.1.Description", text, ro, In::both, asked,
         [](V) -> std::string { return ""; }},
        {"DeviceInfo.VendorConfigFile.1.UseForBackupRestore", boolean, ro, In::both, asked,
         [](V) -> std::string { return "true"; }},
        {"DeviceInfo.ActiveFirmwareImage", text, ro, In::both, asked,
         [](V v) -> std::string {
             return std::string(root_of(v.settings)) + image_path(v.live.running);
         }},
        {kBootImage, text, rw, In::both, asked,
         [](V v) -> std::string {
             return std::string(root_of(v.settings)) + image_path(next_boot(v));
         }},
        {"DeviceInfo.FirmwareImageNumberOfEntries", number, ro, In::both, asked,
         [](V) -> std::string { return "2"; }},
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
}

}  // namespace

std::string image_path(install::Slot slot) {
    return slot == install::Slot::a ? "DeviceInfo.FirmwareImage.1" : "DeviceInfo.FirmwareImage.2";
}

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
    static const std::vector<ParameterRow> kRows = [] {
        auto rows = plain_rows();
        add_image<install::Slot::a>(
            rows, {"DeviceInfo.FirmwareImage.1.Name", "DeviceInfo.FirmwareImage.1.Version",
                   "DeviceInfo.FirmwareImage.1.Available", "DeviceInfo.FirmwareImage.1.Status",
                   "DeviceInfo.FirmwareImage.1.BootFailureLog"});
        add_image<install::Slot::b>(
            rows, {"DeviceInfo.FirmwareImage.2.Name", "DeviceInfo.FirmwareImage.2.Version",
                   "DeviceInfo.FirmwareImage.2.Available", "DeviceInfo.FirmwareImage.2.Status",
                   "DeviceInfo.FirmwareImage.2.BootFailureLog"});
        return rows;
    }();
    return kRows;
}

}  // namespace sluice::agent::management
