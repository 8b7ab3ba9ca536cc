#include "acs-plugin/rest/views_json.hpp"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "engine/base/utc.hpp"
#include "engine/inventory/address.hpp"

namespace sluice::rest {
namespace {

using Json = nlohmann::ordered_json;

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
    static constexpr std::array<std::string_view, 5> kWords{"running", "paused", "cancelled",
                                                            "finished", "halted"};
    return kWords[static_cast<std::size_t>(state)];
}

Json or_null(const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

Json to_json(const service::WaveView& wave) {
    return {{"number", wave.number},
            {"is_canary", wave.is_canary},
            {"whom", wave.whom},
            {"state", wave.state},
            {"devices", wave.devices},
            {"ordered", wave.ordered},
            {"done", wave.done},
            {"failed", wave.failed},
            {"skipped", wave.skipped},
            {"states", wave.states},
            {"success_percent", wave.success_percent},
            {"error_percent", wave.error_percent},
            {"success_now", wave.success_now},
            {"error_now", wave.error_now},
            {"opened", time_of(wave.opened)},
            {"succeeded", time_of(wave.succeeded)},
            {"passed", time_of(wave.passed)},
            {"soak_s", wave.soak.count()}};
}

Json to_json(const service::AlarmView& alarm) {
    return {{"site", alarm.site},
            {"kind", alarm.kind},
            {"is_held", alarm.is_held},
            {"bytes", alarm.bytes},
            {"budget", alarm.budget}};
}

Json ratio_of(std::uint64_t bytes, std::uint64_t length) {
    if (length == 0) return nullptr;
    return static_cast<double>(bytes) / static_cast<double>(length);
}

}  // namespace

Json time_of(service::WallTime t) {
    if (t.unix_ms <= 0) return nullptr;
    auto text = format_utc(t.utc());
    text.pop_back();
    std::array<char, 8> fraction{};
    std::snprintf(fraction.data(), fraction.size(), ".%03dZ", static_cast<int>(t.unix_ms % 1000));
    return text + fraction.data();
}

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
             {"topology", site.topology},
             {"topology_why", site.topology_why},
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

Json to_json(const service::SiteView& site) {
    return {{"site", site.site}, {"devices", site.devices}, {"is_shared", site.is_shared}};
}

Json to_json(const service::TokenRow& row) {
    return {{"id", row.id},
            {"name", row.name},
            {"role", row.role},
            {"created", time_of(row.created)},
            {"expires", time_of(row.expires)},
            {"is_revoked", row.is_revoked}};
}

Json to_json(const service::RolloutView& rollout) {
    const auto& row = rollout.row;
    Json out{{"id", row.id},
             {"state", word_of(row.state)},
             {"image", row.image},
             {"image_name", rollout.image_name},
             {"software_version", rollout.software_version},
             {"image_length", rollout.image_length},
             {"priority", rollout.priority},
             {"started", time_of(row.started)},
             {"finished", time_of(row.finished)},
             {"settled", time_of(row.settled)},
             {"halted", time_of(rollout.halted)},
             {"halt_reason", or_null(rollout.halt_reason)},
             {"devices", rollout.devices},
             {"done", rollout.done},
             {"failed", rollout.failed},
             {"states", rollout.states},
             {"faults", Json::object()},
             {"verification_failures", rollout.verification_failures},
             {"late_starts", rollout.late_starts},
             {"origin_transfers", rollout.origin_transfers},
             {"origin_bytes", rollout.origin_bytes},
             {"canary_bytes", rollout.canary_bytes},
             {"peer_bytes", rollout.peer_bytes},
             {"first_ordered", time_of(rollout.first_ordered)},
             {"last_fetched", time_of(rollout.last_fetched)},
             {"last_done", time_of(rollout.last_done)},
             {"waves", Json::array()},
             {"alarms", Json::array()},
             {"held_sites", rollout.held_sites},
             {"spec", Json::parse(row.spec, nullptr, false)},
             {"site_count", rollout.site_count},
             {"sites", Json::array()}};
    for (const auto& [fault, count] : rollout.faults) out["faults"][std::to_string(fault)] = count;
    for (const auto& wave : rollout.waves) out["waves"].push_back(to_json(wave));
    for (const auto& alarm : rollout.alarms) out["alarms"].push_back(to_json(alarm));
    if (out["spec"].is_discarded()) out["spec"] = nullptr;
    for (const auto& site : rollout.sites)
        out["sites"].push_back(to_json(site, rollout.image_length));
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
