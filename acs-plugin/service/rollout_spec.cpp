#include "acs-plugin/service/rollout_spec.hpp"

#include <nlohmann/json.hpp>

#include "engine/grouping/json_reader.hpp"

namespace sluice::service {
namespace {

constexpr std::size_t kMaxSpecBytes = 1024 * 1024;
constexpr std::size_t kMaxNames = 10'000;
constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxSite = 256;      // inventory's bound
constexpr std::size_t kMaxIdentity = 640;  // three fields of 64 bytes, escaped
constexpr std::uint64_t kYear = 366 * 86400;

constexpr std::string_view kFlows[] = {"a", "b"};

std::chrono::seconds read_time(grouping::JsonReader& from, std::string_view key,
                               std::chrono::seconds usual, std::uint64_t least) {
    return std::chrono::seconds(
        from.number_or(key, static_cast<std::uint64_t>(usual.count()), least, kYear));
}

std::uint32_t small(grouping::JsonReader& from, std::string_view key, std::uint32_t usual,
                    std::uint32_t least, std::uint32_t most) {
    return static_cast<std::uint32_t>(from.number_or(key, usual, least, most));
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
    out.max_sites_at_once = small(root, "max_sites_at_once", 0, 0, 1'000'000'000);
    out.max_attempts = small(root, "max_attempts", out.max_attempts, 1, 100);
    out.plain_canaries = small(root, "plain_canaries", out.plain_canaries, 0, 10'000);
    out.origin_bps = root.number_or("origin_bps", 0, 0, 1'000'000'000'000);
    out.drain_max = read_time(root, "drain_max_s", out.drain_max, 0);
    out.order_timeout = read_time(root, "order_timeout_s", out.order_timeout, 1);
    out.commit_timeout = read_time(root, "commit_timeout_s", out.commit_timeout, 1);
    out.retain = read_time(root, "retain_s", out.retain, 1);
    root.finish();
    SLUICE_CHECK(document.verdict());
    return out;
}

std::string to_json(const RolloutSpec& spec) {
    const nlohmann::ordered_json out = {{"name", spec.name},
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
    return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace sluice::service
