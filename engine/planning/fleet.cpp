#include "engine/planning/fleet.hpp"

#include "engine/grouping/json_reader.hpp"

namespace sluice::planning {
namespace {

constexpr std::size_t kMaxPolicyBytes = 256 * 1024;
constexpr std::size_t kMaxPrefixes = 4096;
constexpr std::uint64_t kLeastSettling = 60, kMostSettling = 315'360'000;  // seconds; ten years

std::vector<inventory::Prefix> read_prefixes(grouping::JsonReader& from, std::string_view key) {
    std::vector<inventory::Prefix> out;
    for (const auto& text : from.texts_or_none(key, kMaxPrefixes, 64)) {
        const auto prefix = inventory::parse_prefix(text);
        if (!prefix.has_value()) return from.refuse(key, prefix.error().message), out;
        out.push_back(prefix.value());
    }
    return out;
}

Part part_of(const election::Placed& placed) {
    if (placed.place == election::Place::master) return Part::master;
    if (placed.place == election::Place::stand_in) return Part::stand_in;
    switch (placed.standing.verdict) {
        case election::Verdict::eligible:
            return Part::relay;
        case election::Verdict::is_plain:
            return Part::plain;
        case election::Verdict::is_disabled:
            return Part::direct;
        default:
            return Part::leaf;
    }
}

}  // namespace

Result<FleetPolicy> parse_fleet_policy(std::string_view json) {
    SLUICE_TRY(auto document, grouping::JsonDocument::parse(json, kMaxPolicyBytes));
    auto root = document.root(grouping::UnknownKeys::refused);
    FleetPolicy out;
    if (auto part = root.object_if_any("grouping"))
        out.grouping = grouping::read_grouping_policy(*part);
    if (auto part = root.object_if_any("masters"))
        out.masters = election::read_master_policy(*part);
    if (auto part = root.object_if_any("planning")) out.planning = read_planning_policy(*part);
    out.smoothing.cpu_weight_percent =
        static_cast<std::uint32_t>(root.number_or("cpu_weight_percent", 30, 1, 100));
    out.sites.max_site_size =
        static_cast<std::uint32_t>(root.number_or("max_site_size", 64, 2, 4096));
    out.sites.address_prefixes = read_prefixes(root, "address_prefixes");
    out.sites.proxies = read_prefixes(root, "proxies");
    out.settling = std::chrono::seconds(
        root.number_or("settle_after_s", static_cast<std::uint64_t>(out.settling.count()),
                       kLeastSettling, kMostSettling));
    if (const auto checked = check(out.sites); !checked.has_value())
        root.refuse("sites", checked.error().message);
    if (const auto checked = check(out.planning); !checked.has_value())
        root.refuse("planning", checked.error().message);
    root.finish();
    SLUICE_CHECK(document.verdict());
    return out;
}

Fleet::Fleet(const FleetPolicy& policy)
    : policy_(policy),
      inventory_(policy.smoothing, policy.sites),
      groups_(inventory_, policy.grouping),
      elections_(inventory_, groups_, policy.masters) {}

Result<inventory::Applied> Fleet::apply(const inventory::DeviceReport& report) {
    SLUICE_TRY(const auto applied, inventory_.apply(report));
    if (applied.is_moved || applied.is_changed) {
        const auto stays = groups_.group_of(applied.device);
        const auto moved =
            applied.is_moved ? groups_.update(applied.device) : grouping::Moved{stays, stays};
        elections_.update(applied.device, moved);
    }
    return applied;
}

Result<DeviceIndex> Fleet::load_one(const inventory::DeviceReport& report) {
    SLUICE_TRY(const auto applied, inventory_.apply(report));
    groups_.update(applied.device);
    return applied.device;
}

Result<void> Fleet::load(std::span<const inventory::DeviceReport> reports) {
    for (const auto& report : reports) {
        auto loaded = load_one(report);
        if (!loaded.has_value())
            return std::move(loaded).error().within(inventory::identity_of(report).substr(0, 128));
    }
    load_end();
    return success();
}

void Fleet::forget(DeviceIndex device) {
    inventory_.forget(device);
    elections_.update(device, groups_.update(device));
}

std::vector<PlanMember> Fleet::members_of(grouping::GroupIndex group) const {
    std::vector<PlanMember> out;
    const auto site = groups_.site_of(group);
    const bool is_sharing = site != inventory::kNoSite && inventory_.is_shared_site(site);
    for (const auto& placed : elections_.ranking(group)) {
        const auto d = placed.device;
        PlanMember member;
        member.name = inventory_.identity(d);
        const auto server = inventory_.file_server(d);
        if (!server.is_unset()) member.url = format_endpoint(server);
        member.port = {inventory_.uplink_bps(d), inventory_.downlink_bps(d)};
        member.part = part_of(placed);
        member.is_gateway = inventory_.is_gateway(d);
        member.can_swarm = (inventory_.protocols(d) & inventory::kSwarmV1) != 0;
        member.why = describe(placed);
        if (!is_sharing && member.part != Part::plain) {
            member.part = Part::direct;
            member.why = "shares with nobody: no site";
        }
        out.push_back(std::move(member));
    }
    return out;
}

}  // namespace sluice::planning
