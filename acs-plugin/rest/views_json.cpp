#include "acs-plugin/rest/views_json.hpp"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "engine/base/utc.hpp"
#include "engine/inventory/address.hpp"

namespace sluice::rest {
namespace {

using Json = nlohmann::ordered_json;

// "2026-03-01T12:00:00.123Z"; null: not yet.
Json time_of(service::WallTime t) {
    if (t.unix_ms <= 0) return nullptr;
    auto text = format_utc(t.utc());
    text.pop_back();
    std::array<char, 8> fraction{};
    std::snprintf(fraction.data(), fraction.size(), ".%03dZ", static_cast<int>(t.unix_ms % 1000));
    return text + fraction.data();
}

template <class T>
Json or_null(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
}

std::string_view word_of(inventory::SiteSource source) {
    static constexpr std::array<std::string_view, 5> kWords{"none", "imported", "parameter",
                                                            "gateway", "address"};
    return kWords[static_cast<std::size_t>(source)];
}

std::string_view word_of(service::RolloutState state) {
    static constexpr std::array<std::string_view, 4> kWords{"running", "paused", "cancelled",
                                                            "finished"};
    return kWords[static_cast<std::size_t>(state)];
}

Json ratio_of(std::uint64_t bytes, std::uint64_t length) {
    if (length == 0) return nullptr;
    return static_cast<double>(bytes) / static_cast<double>(length);
}

Json to_json(const service::RolloutSiteView& site, std::uint64_t length) {
    Json out{{"site", site.site},
             {"devices", site.devices},
             {"done", site.done},
             {"failed", site.failed},
             {"states", site.states},
             {"origin_bytes", site.origin_bytes},
             {"origin_payload_ratio", ratio_of(site.origin_bytes, length)},
             {"canary_bytes", site.canary_bytes},
             {"canary_payload_ratio", ratio_of(site.canary_bytes, length)},
             {"peer_bytes", site.peer_bytes},
             {"first_ordered", time_of(site.first_ordered)},
             {"last_fetched", time_of(site.last_fetched)},
             {"last_done", time_of(site.last_done)},
             {"bound_seconds", site.bound_seconds},
             {"last_device_seconds", nullptr},
             {"last_device_ratio", nullptr}};
    if (site.first_ordered.unix_ms > 0 && site.last_fetched > site.first_ordered) {
        const auto ms = site.last_fetched.unix_ms - site.first_ordered.unix_ms;
        const auto seconds = static_cast<double>(ms) / 1000;
        out["last_device_seconds"] = seconds;
        if (site.bound_seconds > 0) out["last_device_ratio"] = seconds / site.bound_seconds;
    }
    return out;
}

}  // namespace

Json to_json(const service::ImageRow& image) {
    return {{"id", image.id},
            {"kind", image.is_firmware ? "firmware" : "configuration"},
            {"name", image.name},
            {"software_version", image.software_version},
            {"length", image.length},
            {"piece_length", image.piece_length},
            {"vendor_verified", image.is_vendor_verified},
            {"published", time_of(image.published)},
            {"state", "published"}};
}

Json to_json(const service::DeviceView& device) {
    const auto& row = *device.row;
    const auto& r = row.report;
    Json out{{"identity", row.identity},
             {"manufacturer", r.manufacturer},
             {"oui", r.oui},
             {"product_class", r.product_class},
             {"serial", r.serial},
             {"hardware_version", r.hardware_version},
             {"software_version", r.software_version},
             {"config_version", row.config_version},
             {"kind", r.kind == inventory::DeviceKind::agent ? "agent" : "plain"},
             {"site", r.site.value},
             {"site_source", word_of(r.site.source)},
             {"group", device.group},
             {"place", device.place},
             {"is_gateway", r.is_gateway},
             {"is_enabled", r.is_enabled},
             {"cpu_percent", or_null(r.cpu_percent)},
             {"cache_bytes", or_null(r.cache_bytes)},
             {"uplink_bps", or_null(r.uplink_bps)},
             {"downlink_bps", or_null(r.downlink_bps)},
             {"file_server", nullptr},
             {"connection_url", row.connection_url},
             {"first_seen", time_of(row.first_seen)},
             {"last_seen", time_of(row.last_seen)}};
    if (r.has_file_server && !r.file_server.is_unset())
        out["file_server"] = inventory::format_endpoint(r.file_server);
    return out;
}

Json to_json(const service::GroupView& group) {
    Json out{{"id", group.id}, {"key", group.key}, {"members", Json::array()}};
    for (const auto& member : group.members)
        out["members"].push_back(
            {{"identity", member.identity}, {"place", member.place}, {"why", member.why}});
    return out;
}

Json to_json(const service::RolloutView& rollout) {
    const auto& row = rollout.row;
    Json out{{"id", row.id},
             {"state", word_of(row.state)},
             {"image", row.image},
             {"image_name", rollout.image_name},
             {"software_version", rollout.software_version},
             {"image_length", rollout.image_length},
             {"started", time_of(row.started)},
             {"finished", time_of(row.finished)},
             {"devices", 0},
             {"done", 0},
             {"failed", 0},
             {"spec", Json::parse(row.spec, nullptr, false)},
             {"sites", Json::array()}};
    if (out["spec"].is_discarded()) out["spec"] = nullptr;
    std::uint64_t devices = 0, done = 0, failed = 0;
    for (const auto& site : rollout.sites) {
        devices += site.devices;
        done += site.done;
        failed += site.failed;
        out["sites"].push_back(to_json(site, rollout.image_length));
    }
    out["devices"] = devices;
    out["done"] = done;
    out["failed"] = failed;
    return out;
}

Json to_json(const service::RolloutDeviceRow& device) {
    return {{"identity", device.identity},
            {"site", device.site},
            {"part", device.part},
            {"state", device.state},
            {"attempts", device.attempts},
            {"fault", device.fault},
            {"why", device.why},
            {"command_key", device.command_key},
            {"changed", time_of(device.changed)},
            {"ordered", time_of(device.ordered)},
            {"fetched", time_of(device.fetched)},
            {"done", time_of(device.done)},
            {"peer_bytes", device.peer_bytes},
            {"origin_bytes", device.origin_bytes}};
}

Json to_json(const service::EventRow& row) {
    return {{"at", time_of(row.at)}, {"who", row.who}, {"what", row.why}};
}

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string joined_page(const char* name, const std::vector<std::string>& things,
                        const std::string& next) {
    std::string list;
    for (const auto& thing : things) list += (list.empty() ? "" : ",") + thing;
    auto out = "{\"" + std::string(name) + "\":[" + list + "]";
    if (!next.empty()) out += ",\"next\":" + dump(next);
    return out + "}";
}

}  // namespace sluice::rest
