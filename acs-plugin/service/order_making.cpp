#include "acs-plugin/service/order_making.hpp"

#include <algorithm>

#include "acs-plugin/service/compose.hpp"
#include "engine/planning/swarm.hpp"

namespace sluice::service {
namespace {

constexpr std::size_t kMaxUrl = 256;        // TR-069 Download
constexpr std::size_t kMaxOriginUrl = 200;  // DESIGN §5
constexpr std::int64_t kDay = 86400;

struct Peer {
    std::string identity;
    std::string url;  // "http://10.0.0.2:7547"
};

// Whether others may be sent to the device, as it reports now.
bool serves_at(const inventory::Inventory& inventory, DeviceIndex d, inventory::SiteId site) {
    return inventory.is_agent(d) && inventory.is_enabled(d) &&
           !inventory.file_server(d).is_unset() && site != inventory::kNoSite &&
           inventory.site(d) == site;
}

std::vector<Peer> peers_of(const planning::Fleet& fleet, const Run& run, rollout::Member member,
                           WallTime now) {
    const auto& inventory = fleet.inventory();
    const auto site = inventory.site(run.seat(member).device);
    std::vector<Peer> out;
    for (const auto m : run.engine.sources(member, instant_of(now))) {
        const auto d = run.seat(m).device;
        // The origin takes the last place of the list.
        if (serves_at(inventory, d, site) && out.size() + 1 < planning::kMaxSources)
            out.push_back({run.identity(m), format_endpoint(inventory.file_server(d))});
    }
    return out;
}

// Its part in the site's swarm: those who were planned into it and are still there.
std::optional<planning::SwarmTerms> swarm_of(const planning::Fleet& fleet, const Run& run,
                                             rollout::Member member) {
    const auto& inventory = fleet.inventory();
    const auto& policy = fleet.policy().planning;
    const auto& seat = run.seat(member);
    const auto site = inventory.site(seat.device);
    const auto is_in = [&](const Seat& s) {
        const bool can = (inventory.protocols(s.device) & inventory::kSwarmV1) != 0;
        return s.is_in_swarm() && can && serves_at(inventory, s.device, site) &&
               inventory.file_server(s.device).port <= 65535 - planning::kSwarmPortOffset;
    };
    if (!is_in(seat)) return std::nullopt;
    const auto port_of = [&](DeviceIndex d) {
        return static_cast<std::uint16_t>(inventory.file_server(d).port +
                                          planning::kSwarmPortOffset);
    };
    planning::SwarmTerms out;
    out.port = port_of(seat.device);
    out.transport = policy.swarm_transport;
    out.rate_cap_bps = policy.rate_cap_bps;
    out.cpu_gate_percent = policy.cpu_gate_percent;
    out.upload_slots = planning::kSwarmSlots;
    for (const auto m : run.engine.members(run.engine.enrolment(member).site)) {
        const auto& other = run.seat(m);
        if (m == member || !is_in(other) || out.peers.size() == planning::kMaxSwarmPeers) continue;
        out.peers.push_back(
            {format_address(inventory.file_server(other.device).address), port_of(other.device)});
    }
    return out;
}

// The same all day, so that an Assignment asked for again is the same.
UtcTime expiry(const Run& run, WallTime now) {
    const auto days = now.utc().seconds / kDay + 1;
    return {days * kDay + run.spec.retain.count()};
}

std::string image_url(const std::string& peer, const ImageRow& image) {
    auto out = peer + "/v1/images/" + image.id + "/" + image.name;
    // The name is for people: the id says what is asked for.
    if (out.size() > kMaxUrl) out = peer + "/v1/images/" + image.id + "/image.bin";
    return out;
}

// What of an Assignment does not hang on who else takes part.
Result<planning::Assignment> frame_of(const ImageRow& image, const Run& run, rollout::Member member,
                                      const PlanNote& note, WallTime now) {
    const auto id = image::Digest::from_hex(image.id);
    if (!image.is_firmware || !id) return Error{"a configuration file has no Assignment"};
    if (!note.is_planned()) return Error{run.identity(member) + ": is not planned yet"};
    planning::Assignment out;
    out.rollout = run.row.id;
    out.short_id = note.id;
    out.image = image::ImageId{*id};
    out.manifest = image.manifest;
    out.budgets = note.budgets;
    out.seed = note.seed;
    out.server_time = now.utc();
    return out;
}

// All of it may come from the origin, and at once.
void lift_budget(planning::Assignment& out, std::uint64_t length) {
    out.budgets.origin_bytes = std::max(out.budgets.origin_bytes, length + length / 4);
    out.budgets.origin_delay = {};
}

void add_origin(planning::Assignment& out, const PlannerSettings& settings, const ImageRow& image,
                const Seat& seat) {
    out.sources.push_back({planning::SourceKind::origin, origin_url(settings, image, seat), "",
                           settings.origin_username, settings.origin_password});
}

}  // namespace

std::string origin_url(const PlannerSettings& settings, const ImageRow& image, const Seat& seat) {
    const auto head = settings.origin_url + "/p/" + seat.token_text() + "/";
    const std::string_view ending = ".bin";
    auto name = image.name;
    const auto room = kMaxOriginUrl - std::min(kMaxOriginUrl, head.size() + ending.size());
    if (name.size() > room) name.resize(std::max<std::size_t>(room, 1));
    return head + name + std::string(ending);
}

Result<planning::Assignment> make_assignment(const PlannerSettings& settings,
                                             const planning::Fleet& fleet, const Run& run,
                                             rollout::Member member, WallTime now) {
    const auto note = run.note(member);
    SLUICE_TRY(auto out, frame_of(*run.image, run, member, note, now));
    out.role = note.role;
    out.serving = note.serving;
    out.swarm = swarm_of(fleet, run, member);
    out.refresh_s = note.refresh_s;
    std::vector<std::string> servers;
    for (auto& peer : peers_of(fleet, run, member, now)) {
        out.sources.push_back({planning::SourceKind::peer, std::move(peer.url), "", "", ""});
        servers.push_back(std::move(peer.identity));
    }
    // Nobody is left to take it from, whatever the plan said.
    if (out.sources.empty()) lift_budget(out, run.image->length);
    add_origin(out, settings, *run.image, run.seat(member));
    servers.emplace_back();
    SLUICE_CHECK(add_secrets(out, run.identity(member), servers, {run.row.key, expiry(run, now)}));
    return out;
}

Result<planning::Assignment> make_assignment_of(const ImageRow& image,
                                                const PlannerSettings& settings, const Run& run,
                                                rollout::Member member, WallTime now) {
    SLUICE_TRY(auto out, frame_of(image, run, member, run.note(member), now));
    lift_budget(out, image.length);
    add_origin(out, settings, image, run.seat(member));
    return out;
}

DownloadOrder make_order_of(const ImageRow& image, const PlannerSettings& settings, const Run& run,
                            rollout::Member member) {
    DownloadOrder out;
    out.kind = OrderKind::upgrade;
    out.url = origin_url(settings, image, run.seat(member));
    out.path = out.url.substr(std::min(out.url.size(), settings.origin_url.size() + 1));
    out.username = settings.origin_username;
    out.password = settings.origin_password;
    out.file_size = image.length;
    out.target_file_name = image.name;
    return out;
}

Result<DownloadOrder> make_order(const PlannerSettings& settings, const planning::Fleet& fleet,
                                 const Run& run, rollout::Member member, rollout::OrderKind kind,
                                 std::uint32_t order, WallTime now) {
    auto out = make_order_of(*run.image, settings, run, member);
    if (!run.image->is_firmware) out.kind = OrderKind::configure;
    if (run.image->is_firmware && kind == rollout::OrderKind::stage) out.kind = OrderKind::stage;
    out.command_key = run.command_key(member, order);
    const auto peers = peers_of(fleet, run, member, now);
    if (peers.empty()) return out;
    const bool is_agent = run.engine.enrolment(member).kind == inventory::DeviceKind::agent;
    const auto master = image_url(peers.front().url, *run.image);
    if (is_agent) out.assignment_url = out.url;
    if (is_agent && run.spec.flow == Flow::b) {
        out.url.clear();
        out.username.clear();
        out.password.clear();
        out.master_url = master;
        return out;
    }
    planning::Assignment one;
    one.rollout = run.row.id;
    one.short_id = run.note(member).id;
    one.image = run.image_id;
    one.sources.push_back({planning::SourceKind::peer, peers.front().url, "", "", ""});
    SLUICE_CHECK(add_secrets(one, run.identity(member), std::span(&peers.front().identity, 1),
                             {run.row.key, expiry(run, now)}));
    out.url = master;
    out.username = std::move(one.sources.front().username);
    out.password = std::move(one.sources.front().password);
    return out;
}

}  // namespace sluice::service
