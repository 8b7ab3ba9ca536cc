#include "acs-plugin/cli/site_file.hpp"

#include <algorithm>
#include <set>

#include "engine/grouping/json_reader.hpp"

namespace sluice::cli {
namespace {

using grouping::JsonReader;

constexpr std::size_t kMaxBytes = 16 * 1024 * 1024;
constexpr std::size_t kMaxDevices = 4096;
constexpr std::uint64_t kMinRate = 1'000;
constexpr std::uint64_t kMaxRate = 1'000'000'000'000;
constexpr double kMaxDepartures = 3600;
constexpr std::uint64_t kDefaultRate = 100'000'000;

bool is_file_name(std::string_view name) {
    return std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '_' || c == '-';
    });
}

void read_server(JsonReader& from, inventory::DeviceReport& report) {
    const auto url = from.text_or("url", "", 256);
    if (url.empty()) return;
    const auto endpoint = inventory::parse_endpoint(url);
    if (!endpoint.has_value()) return from.refuse("url", endpoint.error().message);
    report.has_file_server = true;
    report.file_server = endpoint.value();
}

SiteDevice read_device(JsonReader& from) {
    SiteDevice out;
    out.name = from.text("name", 1, 64);
    if (!is_file_name(out.name)) from.refuse("name", "has characters outside [A-Za-z0-9_-]");
    auto& r = out.report;
    r.oui = from.text_or("oui", "000000", 64);
    r.product_class = from.text_or("product_class", "", 64);
    r.serial = from.text_or("serial", out.name, 64);
    r.manufacturer = from.text_or("manufacturer", "", 64);
    r.hardware_version = from.text_or("hardware_version", "", 64);
    r.software_version = from.text_or("software_version", "", 64);
    r.site = {inventory::SiteSource::imported, from.text_or("site", "site", 256)};
    r.cpu_percent = from.real_or("cpu_percent", 0, 0, 100);
    r.cache_bytes = from.number_or("cache_bytes", std::uint64_t{256} << 20, 0, ~std::uint64_t{0});
    if (from.has("lan_up_bps")) r.uplink_bps = from.number("lan_up_bps", kMinRate, kMaxRate);
    if (from.has("lan_down_bps")) r.downlink_bps = from.number("lan_down_bps", kMinRate, kMaxRate);
    r.is_enabled = from.flag_or("is_enabled", true);
    r.is_gateway = from.flag_or("is_gateway", false);
    const bool is_agent = from.flag_or("is_agent", true);
    r.kind = is_agent ? inventory::DeviceKind::agent : inventory::DeviceKind::plain;
    r.protocols = is_agent ? inventory::kPeerHttpV1 : 0;
    if (from.flag_or("can_swarm", false)) r.protocols |= inventory::kSwarmV1;
    out.memory_bytes = from.number_or("memory_bytes", 0, 1 << 20, std::uint64_t{1} << 40);
    out.departures_per_hour = from.real_or("departures_per_hour", 0, 0, kMaxDepartures);
    read_server(from, r);
    if (const auto checked = check(r); !checked.has_value())
        from.refuse("name", "'" + out.name + "': " + checked.error().message);
    from.finish();
    return out;
}

}  // namespace

Result<SiteFile> parse_site_file(std::string_view json) {
    SLUICE_TRY(auto document, grouping::JsonDocument::parse(json, kMaxBytes));
    auto root = document.root(grouping::UnknownKeys::refused);
    SiteFile out;
    root.number_or("version", 1, 1, 1);
    out.links.origin_bps = root.number_or("origin_bps", kDefaultRate, kMinRate, kMaxRate);
    out.links.access_bps = root.number_or("access_bps", out.links.origin_bps, kMinRate, kMaxRate);
    out.links.departures_per_hour = root.real_or("departures_per_hour", 0, 0, kMaxDepartures);
    std::set<std::string> names, identities;
    for (auto& object : root.objects("devices", 1, kMaxDevices)) {
        auto device = read_device(object);
        if (!names.insert(device.name).second) object.refuse("name", "is there twice");
        if (!identities.insert(inventory::identity_of(device.report)).second)
            object.refuse("serial", "is another device's, of the same oui and product_class");
        out.devices.push_back(std::move(device));
    }
    root.finish();
    SLUICE_CHECK(document.verdict());
    return out;
}

}  // namespace sluice::cli
