// What the REST API asks of the planner and planner_views.cpp, planner_operator.cpp do not have
// yet: weak, so that theirs go before these. Goes when they have them.
#include "acs-plugin/service/planner.hpp"
#define WEAK __attribute__((weak))
namespace sluice::service {
WEAK Result<DevicePage> Planner::devices(const DeviceQuery& q) const {
    DevicePage out;
    out.devices = devices(q.after, q.at_most + 1);
    if (out.devices.size() > q.at_most) {
        out.devices.pop_back();
        out.next = out.devices.back().row->identity;
    }
    return out;
}
WEAK std::optional<DeviceView> Planner::device_view(std::string_view identity) const {
    if (device(identity) == nullptr) return std::nullopt;
    std::string before(identity);
    before.back() = static_cast<char>(before.back() - 1);
    before += '\x7f';
    for (auto& d : devices(before, 1))
        if (d.row->identity == identity) return d;
    return std::nullopt;
}
WEAK GroupPage Planner::groups(std::string_view, std::size_t) const {
    return {groups(), {}};
}
WEAK std::optional<GroupView> Planner::group(std::string_view id) const {
    for (auto& g : groups())
        if (g.id == id) return g;
    return std::nullopt;
}
WEAK std::vector<RolloutSiteView> Planner::rollout_sites(std::string_view id, std::string_view,
                                                         std::size_t) const {
    return rollout(id)->sites;
}
WEAK std::vector<RolloutDeviceRow> Planner::rollout_devices(std::string_view id,
                                                            const RolloutDeviceQuery& q) const {
    return rollout_devices(id, q.after, q.at_most);
}
WEAK Result<void> Planner::retry(std::string_view, const Act&, Changes&) {
    return Error{"pending"};
}
WEAK Result<void> Planner::release_site(std::string_view, std::string_view, const Act&, Changes&) {
    return Error{"pending"};
}
WEAK Result<void> Planner::set_policy(std::string_view, const Act&, Changes&) {
    return Error{"pending"};
}
WEAK const PolicyRow& Planner::policy() const {
    static const PolicyRow row{"fleet", "{}", 0};
    return row;
}
WEAK Result<void> Planner::erase(const std::string&, const Act&, Changes&) {
    return Error{"pending"};
}
}  // namespace sluice::service
namespace sluice::service {
WEAK bool Planner::still_stands(const std::string&, const DeviceOrder&) const {
    return true;
}
WEAK std::size_t Planner::device_count() const {
    return devices("", 1000000).size();
}
}  // namespace sluice::service
