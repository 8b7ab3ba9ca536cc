// What the planner shows: values, made when asked.

#include <algorithm>
#include <set>

#include "acs-plugin/service/planner_impl.hpp"
#include "engine/base/rng.hpp"
#include "engine/planning/shape.hpp"

namespace sluice::service {
namespace {

// Stable as long as the key is: groups have no other name.
std::string id_of(const std::string& key) {
    const auto hash = seed_of(key);
    Bytes bytes(6);
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<std::uint8_t>(hash >> (8 * i));
    return to_hex(bytes);
}

std::string_view word_of(election::Place place) {
    static constexpr std::string_view kWords[] = {"master", "stand-in", "member"};
    return kWords[static_cast<std::size_t>(place)];
}

void earlier(WallTime& held, WallTime t) {
    if (t.unix_ms != 0 && (held.unix_ms == 0 || t < held)) held = t;
}

}  // namespace

const DeviceRow* Planner::device(std::string_view identity) const {
    const auto* device = impl_->find(identity);
    return device == nullptr ? nullptr : &device->row;
}

std::vector<const ImageRow*> Planner::images() const {
    std::vector<const ImageRow*> out;
    for (const auto& [id, row] : impl_->images) out.push_back(&row);
    std::sort(out.begin(), out.end(), [](auto* a, auto* b) {
        return std::tie(a->published, a->id) < std::tie(b->published, b->id);
    });
    return out;
}

std::vector<DeviceView> Planner::devices(std::string_view after, std::size_t at_most) const {
    std::vector<DeviceView> out;
    // A group's order costs its size: asked once a page, not once a device.
    std::map<grouping::GroupIndex, std::vector<election::Placed>> rankings;
    const auto& fleet = impl_->fleet;
    for (auto at = impl_->devices.upper_bound(after);
         at != impl_->devices.end() && out.size() < at_most; ++at) {
        DeviceView view;
        view.row = std::make_shared<const DeviceRow>(at->second.row);
        const auto group = fleet.groups().group_of(at->second.index);
        if (group != grouping::kNoGroup) {
            view.group = fleet.groups().key_text(group);
            auto [ranking, is_new] = rankings.try_emplace(group);
            if (is_new) ranking->second = fleet.elections().ranking(group);
            for (const auto& placed : ranking->second)
                if (placed.device == at->second.index) view.place = describe(placed);
        }
        out.push_back(std::move(view));
    }
    return out;
}

std::vector<GroupView> Planner::groups() const {
    const auto& fleet = impl_->fleet;
    std::set<grouping::GroupIndex> known;
    for (const auto& [identity, device] : impl_->devices) {
        const auto group = fleet.groups().group_of(device.index);
        if (group != grouping::kNoGroup) known.insert(group);
    }
    std::vector<GroupView> out;
    for (const auto group : known) {
        GroupView view;
        view.key = fleet.groups().key_text(group);
        view.id = id_of(view.key);
        for (const auto& placed : fleet.elections().ranking(group))
            view.members.push_back({std::string(fleet.inventory().identity(placed.device)),
                                    std::string(word_of(placed.place)), describe(placed)});
        out.push_back(std::move(view));
    }
    std::sort(out.begin(), out.end(),
              [](const GroupView& a, const GroupView& b) { return a.key < b.key; });
    return out;
}

// max(F/u_origin, F/d_min, N·F/(u_origin+Σu_i)): of the bare bytes. Headers on the wire come on
// top.
double Planner::Impl::bound_seconds(const Run& run, const std::vector<DeviceIndex>& members) const {
    const auto& inventory = fleet.inventory();
    const auto& policy = settings.fleet.planning;
    const auto known = [&](std::uint64_t bps) {
        return static_cast<double>(bps == 0 ? policy.assumed_lan_bps : bps);
    };
    const auto origin =
        static_cast<double>(run.spec.origin_bps != 0 ? run.spec.origin_bps : settings.origin_bps);
    double slowest = origin, sum = origin;
    for (const auto d : members) {
        slowest = std::min(slowest, known(inventory.downlink_bps(d)));
        if (inventory.is_agent(d)) sum += known(inventory.uplink_bps(d));
    }
    const auto bits = static_cast<double>(run.image->length) * 8;
    return std::max(bits / slowest, static_cast<double>(members.size()) * bits / sum);
}

RolloutView Planner::Impl::view(const Run& run) const {
    RolloutView out;
    out.row = run.row;
    out.row.key.clear();
    out.image_name = run.image->name;
    out.software_version = run.image->software_version;
    out.image_length = run.image->length;
    std::map<std::string, RolloutSiteView> sites;
    std::map<std::string, std::vector<DeviceIndex>> members;
    for (std::uint32_t i = 0; i < run.size(); ++i) {
        const auto row = run.face_of(rollout::Member{i});
        auto& site = sites[row.site];
        ++site.devices;
        ++site.states[row.state];
        if (row.state == name_of(rollout::State::done)) ++site.done;
        if (row.state == name_of(rollout::State::failed)) ++site.failed;
        site.peer_bytes += row.peer_bytes;
        earlier(site.first_ordered, row.ordered);
        site.last_fetched = std::max(site.last_fetched, row.fetched);
        site.last_done = std::max(site.last_done, row.done);
        const auto& seat = run.seat(rollout::Member{i});
        members[row.site].push_back(seat.device);
        if (!seat.note.topology.empty()) site.topology = seat.note.topology;
        if (!seat.note.topology_why.empty()) site.topology_why = seat.note.topology_why;
    }
    for (auto& [name, site] : sites) {
        site.site = name;
        site.bound_seconds = bound_seconds(run, members[name]);
        if (const auto count = run.counts.find(name); count != run.counts.end()) {
            site.origin_bytes = count->second.bytes - count->second.canary_bytes;
            site.canary_bytes = count->second.canary_bytes;
        }
        out.sites.push_back(std::move(site));
    }
    return out;
}

std::vector<RolloutView> Planner::rollouts() const {
    std::vector<RolloutView> out;
    for (const auto& [id, run] : impl_->runs) out.push_back(impl_->view(*run));
    std::sort(out.begin(), out.end(), [](const RolloutView& a, const RolloutView& b) {
        return std::tie(a.row.started, a.row.id) < std::tie(b.row.started, b.row.id);
    });
    return out;
}

std::optional<RolloutView> Planner::rollout(std::string_view id) const {
    const auto at = impl_->runs.find(id);
    if (at == impl_->runs.end()) return std::nullopt;
    return impl_->view(*at->second);
}

std::vector<RolloutDeviceRow> Planner::rollout_devices(std::string_view id, std::string_view after,
                                                       std::size_t at_most) const {
    const auto at = impl_->runs.find(id);
    if (at == impl_->runs.end()) return {};
    const auto& run = *at->second;
    std::vector<std::pair<std::string_view, rollout::Member>> members;
    for (std::uint32_t i = 0; i < run.size(); ++i) {
        const std::string_view identity = run.seat(rollout::Member{i}).identity;
        if (identity > after) members.emplace_back(identity, rollout::Member{i});
    }
    const auto end =
        members.begin() + static_cast<std::ptrdiff_t>(std::min(at_most, members.size()));
    std::partial_sort(members.begin(), end, members.end());
    std::vector<RolloutDeviceRow> out;
    for (auto m = members.begin(); m != end; ++m) out.push_back(run.row_of(m->second));
    return out;
}

}  // namespace sluice::service
