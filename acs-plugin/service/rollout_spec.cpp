#include "acs-plugin/service/rollout_spec.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "acs-plugin/service/safe_spec.hpp"
#include "acs-plugin/service/zone_names.hpp"
#include "engine/base/utc.hpp"
#include "engine/grouping/json_reader.hpp"
#include "engine/rollout/policy.hpp"

namespace sluice::service {
namespace {

constexpr std::size_t kMaxSpecBytes = 1024 * 1024;
constexpr std::size_t kMaxNames = 10'000;
constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxSite = 256;      // inventory's bound
constexpr std::size_t kMaxIdentity = 640;  // three fields of 64 bytes, escaped
constexpr std::uint64_t kYear = 366 * 86400;
constexpr std::uint64_t kMany = 1'000'000'000;
constexpr std::uint64_t kMostBps = 1'000'000'000'000;

constexpr std::string_view kFlows[] = {"a", "b"};
constexpr std::string_view kDays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

std::chrono::seconds read_time(grouping::JsonReader& from, std::string_view key,
                               std::chrono::seconds usual, std::uint64_t least) {
    return std::chrono::seconds(
        from.number_or(key, static_cast<std::uint64_t>(usual.count()), least, kYear));
}

std::uint32_t small(grouping::JsonReader& from, std::string_view key, std::uint32_t usual,
                    std::uint64_t least, std::uint64_t most) {
    return static_cast<std::uint32_t>(from.number_or(key, usual, least, most));
}

GroupSpec read_group(grouping::JsonReader& from) {
    GroupSpec out;
    out.devices = from.texts_or_none("devices", kMaxNames, kMaxIdentity);
    out.sites = from.texts_or_none("sites", kMaxNames, kMaxSite);
    out.hardware_versions = from.texts_or_none("hardware_versions", 64, kMaxName);
    out.software_versions = from.texts_or_none("software_versions", 64, kMaxName);
    if (out.is_empty()) from.refuse("devices", "is missing: the group says nothing of its devices");
    from.finish();
    return out;
}

WaveSpec read_wave(grouping::JsonReader& from, std::uint32_t usual_success) {
    WaveSpec out;
    out.count = small(from, "count", 0, 1, kMany);
    out.percent = small(from, "percent", 0, 1, 100);
    if (auto group = from.object_if_any("group")) out.group = read_group(*group);
    // Short for a group of devices.
    if (from.has("devices"))
        out.group.devices = from.texts_or_none("devices", kMaxNames, kMaxIdentity);
    const int said = (out.count > 0) + (out.percent > 0) + !out.group.is_empty();
    if (said != 1) from.refuse("count", "one of count, percent, group and devices says whom");
    out.success_percent = small(from, "success_percent", usual_success, 0, 100);
    out.error_percent = small(from, "error_percent", 0, 0, 100);
    out.soak = read_time(from, "soak_s", out.soak, 0);
    from.finish();
    return out;
}

ErrorSpec read_error(grouping::JsonReader& from) {
    ErrorSpec out;
    out.percent = small(from, "percent", out.percent, 0, 100);
    out.at_least = small(from, "at_least", out.at_least, 1, kMany);
    out.count = small(from, "count", out.count, 0, kMany);
    out.verification_count = small(from, "verification_count", out.verification_count, 0, kMany);
    if (from.has("weights"))
        for (auto& each : from.objects("weights", 0, 64)) {
            const auto fault = small(each, "fault", 0, 1, 99'999);
            out.weights.emplace_back(fault, small(each, "weight", 1, 0, 1000));
            each.finish();
        }
    from.finish();
    return out;
}

// "02:30"
std::uint32_t read_minute(grouping::JsonReader& from, std::string_view key) {
    const auto text = from.text(key, 5, 5);
    const auto digit = [&](std::size_t i) { return static_cast<std::uint32_t>(text[i] - '0'); };
    const bool is_time = text.size() == 5 && text[2] == ':' && digit(0) < 10 && digit(1) < 10 &&
                         digit(3) < 6 && digit(4) < 10 && digit(0) * 10 + digit(1) < 24;
    if (!is_time) return from.refuse(key, "is not a time of day like \"02:30\""), 0;
    return (digit(0) * 10 + digit(1)) * 60 + digit(3) * 10 + digit(4);
}

std::string minute_text(std::uint32_t minute) {
    std::array<char, 8> out{};
    std::snprintf(out.data(), out.size(), "%02u:%02u", minute / 60 % 24, minute % 60);
    return out.data();
}

void check_zone(grouping::JsonReader& from, std::string_view key, const std::string& zone) {
    if (const auto found = zone_named(zone); !found.has_value())
        from.refuse(key, "'" + zone + "' is no IANA name and no POSIX zone");
}

WindowSpec read_window(grouping::JsonReader& from) {
    WindowSpec out;
    for (const auto day :
         from.has("days") ? from.choices("days", kDays) : std::vector<std::size_t>{})
        out.days.emplace_back(kDays[day]);
    out.from_minute = read_minute(from, "from");
    out.to_minute = read_minute(from, "to");
    out.zone = from.text_or("zone", out.zone, 128);
    if (out.zone != "device") check_zone(from, "zone", out.zone);
    from.finish();
    return out;
}

std::int64_t read_start(grouping::JsonReader& from) {
    const auto text = from.text_or("start_at", "", 32);
    if (text.empty()) return 0;
    const auto t = parse_utc(text);
    if (!t.has_value()) return from.refuse("start_at", t.error().message), 0;
    return t.value().seconds;
}

void read_steps(grouping::JsonReader& root, RolloutSpec& out) {
    if (auto canary = root.object_if_any("canary")) out.canary = read_wave(*canary, 100);
    if (root.has("waves"))
        for (auto& each : root.objects("waves", 0, rollout::kMaxWaves - 2))
            out.waves.push_back(read_wave(each, WaveSpec{}.success_percent));
    if (auto error = root.object_if_any("error")) out.error = read_error(*error);
    if (root.has("windows"))
        for (auto& each : root.objects("windows", 0, rollout::kMaxWindows))
            out.windows.push_back(read_window(each));
    for (const auto& w : out.windows)
        if (w.zone != out.windows.front().zone)
            root.refuse("windows", "all of a rollout's windows have one zone");
    std::uint32_t percent = 0;
    for (const auto& w : out.waves) percent += w.percent;
    if (out.canary) percent += out.canary->percent;
    if (percent > 100) root.refuse("waves", "are more than 100 % together");
}

nlohmann::ordered_json json_of(const GroupSpec& g) {
    auto out = nlohmann::ordered_json::object();
    if (!g.devices.empty()) out["devices"] = g.devices;
    if (!g.sites.empty()) out["sites"] = g.sites;
    if (!g.hardware_versions.empty()) out["hardware_versions"] = g.hardware_versions;
    if (!g.software_versions.empty()) out["software_versions"] = g.software_versions;
    return out;
}

nlohmann::ordered_json json_of(const WaveSpec& w) {
    auto out = nlohmann::ordered_json::object();
    if (w.count > 0) out["count"] = w.count;
    if (w.percent > 0) out["percent"] = w.percent;
    if (!w.group.is_empty()) out["group"] = json_of(w.group);
    out["success_percent"] = w.success_percent;
    out["error_percent"] = w.error_percent;
    out["soak_s"] = w.soak.count();
    return out;
}

nlohmann::ordered_json json_of(const ErrorSpec& e) {
    nlohmann::ordered_json out = {{"percent", e.percent},
                                  {"at_least", e.at_least},
                                  {"count", e.count},
                                  {"verification_count", e.verification_count},
                                  {"weights", nlohmann::ordered_json::array()}};
    for (const auto& [fault, weight] : e.weights)
        out["weights"].push_back({{"fault", fault}, {"weight", weight}});
    return out;
}

nlohmann::ordered_json json_of(const WindowSpec& w) {
    auto out = nlohmann::ordered_json::object();
    if (!w.days.empty()) out["days"] = w.days;
    out["from"] = minute_text(w.from_minute);
    out["to"] = minute_text(w.to_minute);
    out["zone"] = w.zone;
    return out;
}

}  // namespace

Result<RolloutSpec> parse_rollout_spec(std::string_view json) {
    SLUICE_TRY(auto document, grouping::JsonDocument::parse(json, kMaxSpecBytes));
    auto root = document.root(grouping::UnknownKeys::refused);
    RolloutSpec out;
    out.name = root.text_or("name", "", kMaxName);
    out.image = root.text("image", 1, 64);
    out.flow = static_cast<Flow>(root.choice_or("flow", 0, kFlows));
    out.sites = root.texts_or_none("sites", kMaxNames, kMaxSite);
    out.devices = root.texts_or_none("devices", kMaxNames, kMaxIdentity);
    out.uses_peers = root.flag_or("uses_peers", out.uses_peers);
    out.max_sites_at_once = small(root, "max_sites_at_once", 0, 0, kMany);
    out.max_attempts = small(root, "max_attempts", out.max_attempts, 1, 100);
    out.plain_canaries = small(root, "plain_canaries", out.plain_canaries, 0, 10'000);
    out.origin_bps = root.number_or("origin_bps", 0, 0, kMostBps);
    out.drain_max = read_time(root, "drain_max_s", out.drain_max, 0);
    out.order_timeout = read_time(root, "order_timeout_s", out.order_timeout, 1);
    out.commit_timeout = read_time(root, "commit_timeout_s", out.commit_timeout, 1);
    out.retain = read_time(root, "retain_s", out.retain, 1);
    read_steps(root, out);
    out.time_zone = root.text_or("time_zone", out.time_zone, 128);
    check_zone(root, "time_zone", out.time_zone);
    out.jitter = read_time(root, "jitter_s", out.jitter, 0);
    out.priority = small(root, "priority", out.priority, 0, 1000);
    out.start_at = read_start(root);
    out.retry_first = read_time(root, "retry_first_s", out.retry_first, 1);
    out.retry_max = read_time(root, "retry_max_s", out.retry_max, 1);
    out.max_origin_transfers = small(root, "max_origin_transfers", 0, 0, kMany);
    out.max_origin_bps = root.number_or("max_origin_bps", 0, 0, kMostBps);
    out.site_budget_images = small(root, "site_budget_images", out.site_budget_images, 0, 10'000);
    out.safe = root.object_text_or_none("safe");
    if (!out.safe.empty())
        if (const auto safe = parse_safe_spec(out.safe); !safe.has_value())
            root.refuse("safe", safe.error().message);
    root.finish();
    SLUICE_CHECK(document.verdict());
    return out;
}

std::string to_json(const RolloutSpec& spec) {
    nlohmann::ordered_json out = {{"name", spec.name},
                                  {"image", spec.image},
                                  {"flow", kFlows[static_cast<std::size_t>(spec.flow)]},
                                  {"sites", spec.sites},
                                  {"devices", spec.devices},
                                  {"uses_peers", spec.uses_peers},
                                  {"max_sites_at_once", spec.max_sites_at_once},
                                  {"max_attempts", spec.max_attempts},
                                  {"plain_canaries", spec.plain_canaries},
                                  {"origin_bps", spec.origin_bps},
                                  {"drain_max_s", spec.drain_max.count()},
                                  {"order_timeout_s", spec.order_timeout.count()},
                                  {"commit_timeout_s", spec.commit_timeout.count()},
                                  {"retain_s", spec.retain.count()}};
    if (spec.canary) out["canary"] = json_of(*spec.canary);
    out["waves"] = nlohmann::ordered_json::array();
    for (const auto& w : spec.waves) out["waves"].push_back(json_of(w));
    out["error"] = json_of(spec.error);
    out["windows"] = nlohmann::ordered_json::array();
    for (const auto& w : spec.windows) out["windows"].push_back(json_of(w));
    out["time_zone"] = spec.time_zone;
    out["jitter_s"] = spec.jitter.count();
    out["priority"] = spec.priority;
    if (spec.start_at != 0) out["start_at"] = format_utc({spec.start_at});
    out["retry_first_s"] = spec.retry_first.count();
    out["retry_max_s"] = spec.retry_max.count();
    out["max_origin_transfers"] = spec.max_origin_transfers;
    out["max_origin_bps"] = spec.max_origin_bps;
    out["site_budget_images"] = spec.site_budget_images;
    if (!spec.safe.empty()) out["safe"] = nlohmann::ordered_json::parse(spec.safe, nullptr, false);
    return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

rollout::Policy policy_of(const RolloutSpec& spec) {
    rollout::Policy out;
    out.max_sites_at_once = spec.max_sites_at_once;
    out.max_attempts = spec.max_attempts;
    out.plain_canaries = spec.plain_canaries;
    out.drain_max = spec.drain_max;
    out.order_timeout = spec.order_timeout;
    out.commit_timeout = spec.commit_timeout;
    out.patience = spec.retain;
    out.first_back_off = spec.retry_first;
    out.back_off_max = spec.retry_max;
    out.jitter = spec.jitter;
    out.max_origin_transfers = spec.max_origin_transfers;
    out.is_safe = !spec.safe.empty();
    out.error = {spec.error.at_least, spec.error.count, spec.error.verification_count,
                 spec.error.weights};
    for (const auto& w : spec.windows) {
        rollout::Window window;
        if (!w.days.empty()) window.days = 0;
        for (const auto& day : w.days)
            window.days |= static_cast<std::uint8_t>(
                1u << (std::find(std::begin(kDays), std::end(kDays), day) - std::begin(kDays)));
        window.from = static_cast<std::uint16_t>(w.from_minute);
        window.to = static_cast<std::uint16_t>(w.to_minute);
        out.windows.push_back(window);
    }
    return out;
}

}  // namespace sluice::service
