// What the planner shows of devices, images and groups: values, made when asked.

#include <algorithm>
#include <set>

#include "acs-plugin/service/planner_impl.hpp"
#include "engine/base/rng.hpp"

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

constexpr std::uint32_t kMostRanked = 1024;

std::string_view word_of(election::Place place) {
    static constexpr std::string_view kWords[] = {"master", "stand-in", "member"};
    return kWords[static_cast<std::size_t>(place)];
}

}  // namespace

const DeviceRow* Planner::device(std::string_view identity) const {
    const auto d = impl_->book.find(identity);
    if (!d) return nullptr;
    impl_->shown = impl_->book.row(*d);
    return &impl_->shown;
}

std::size_t Planner::device_count() const {
    return impl_->book.size();
}

std::vector<const ImageRow*> Planner::images() const {
    std::vector<const ImageRow*> out;
    for (const auto& [id, row] : impl_->images) out.push_back(&row);
    std::sort(out.begin(), out.end(), [](auto* a, auto* b) {
        return std::tie(a->published, a->id) < std::tie(b->published, b->id);
    });
    return out;
}

// --- devices ------------------------------------------------------------------------------------

// A group's order costs its size: asked once a page, and not of a group of thousands.
DeviceView Planner::Impl::view(DeviceIndex d, Rankings& rankings) const {
    DeviceView out;
    out.row = std::make_shared<const DeviceRow>(book.row(d));
    const auto group = fleet().groups().group_of(d);
    if (group == grouping::kNoGroup) return out;
    out.group = fleet().groups().key_text(group);
    if (fleet().groups().size(group) > kMostRanked) {
        const auto masters = fleet().elections().masters(group);
        out.place = std::find(masters.begin(), masters.end(), d) != masters.end()
                        ? word_of(election::Place::master)
                        : word_of(election::Place::member);
        return out;
    }
    auto [ranking, is_new] = rankings.try_emplace(group);
    if (is_new) ranking->second = fleet().elections().ranking(group);
    for (const auto& placed : ranking->second)
        if (placed.device == d) out.place = describe(placed);
    return out;
}

Result<DevicePage> Planner::devices(const DeviceQuery& query) const {
    SLUICE_TRY(const auto page, impl_->book.page(query));
    DevicePage out;
    Impl::Rankings rankings;
    for (const auto d : page.devices) out.devices.push_back(impl_->view(d, rankings));
    out.next = page.next;
    return out;
}

std::optional<DeviceView> Planner::device_view(std::string_view identity) const {
    const auto d = impl_->book.find(identity);
    if (!d) return std::nullopt;
    Impl::Rankings rankings;
    return impl_->view(*d, rankings);
}

std::vector<DeviceView> Planner::devices(std::string_view after, std::size_t at_most) const {
    std::vector<DeviceView> out;
    if (at_most == 0) return out;
    Impl::Rankings rankings;
    impl_->book.walk(after, [&](DeviceIndex d) {
        out.push_back(impl_->view(d, rankings));
        return out.size() < at_most;
    });
    return out;
}

// --- groups -------------------------------------------------------------------------------------

GroupView Planner::Impl::group_view(grouping::GroupIndex group) const {
    GroupView out;
    out.key = fleet().groups().key_text(group);
    out.id = id_of(out.key);
    for (const auto& placed : fleet().elections().ranking(group))
        out.members.push_back({std::string(fleet().inventory().identity(placed.device)),
                               std::string(word_of(placed.place)), describe(placed)});
    return out;
}

// Site by site, each one's groups by key. A group of several sites (grouped without them) stands
// at the first; a cursor is "<site>\n<key>".
GroupPage Planner::groups(std::string_view after, std::size_t at_most) const {
    const auto& impl = *impl_;
    const auto& all = impl.fleet().groups();
    if (!all.policy().by_site) return impl.few_groups(after, at_most);
    const auto mark = std::min(after.find('\n'), after.size());
    const auto site = after.substr(0, mark);
    const auto key = mark < after.size() ? after.substr(mark + 1) : std::string_view();
    GroupPage out;
    std::map<std::string, grouping::GroupIndex> here;
    std::string at;
    const auto flush = [&] {
        for (const auto& [text, group] : here) {
            if (at == site && !after.empty() && text <= key) continue;
            if (out.groups.size() == at_most) return false;
            out.groups.push_back(impl.group_view(group));
            out.next = at + '\n' + text;
        }
        here.clear();
        return true;
    };
    bool is_full = false;
    const auto visit = [&](DeviceIndex d) {
        if (impl.book.site(d) != at) {
            if (is_full = !flush(); is_full) return false;
            at = impl.book.site(d);
        }
        const auto group = all.group_of(d);
        if (group != grouping::kNoGroup) here.emplace(all.key_text(group), group);
        return true;
    };
    impl.book.walk_sites_from(site, visit);
    if (!is_full) is_full = !flush();
    if (!is_full) out.next.clear();
    return out;
}

// All of them are few.
GroupPage Planner::Impl::few_groups(std::string_view after, std::size_t at_most) const {
    std::map<std::string, grouping::GroupIndex> by_key;
    for (std::uint32_t g = 0; g < fleet().groups().capacity(); ++g)
        if (const grouping::GroupIndex group{g}; fleet().groups().size(group) > 0)
            by_key.emplace(fleet().groups().key_text(group), group);
    GroupPage out;
    for (auto g = by_key.upper_bound(std::string(after)); g != by_key.end(); ++g) {
        if (out.groups.size() == at_most) {
            out.next = out.groups.back().key;
            break;
        }
        out.groups.push_back(group_view(g->second));
    }
    return out;
}

// By its hash alone: a look at every group's key.
std::optional<GroupView> Planner::group(std::string_view id) const {
    const auto& all = impl_->fleet().groups();
    for (std::uint32_t g = 0; g < all.capacity(); ++g) {
        const grouping::GroupIndex group{g};
        if (all.size(group) > 0 && id_of(all.key_text(group)) == id)
            return impl_->group_view(group);
    }
    return std::nullopt;
}

std::vector<GroupView> Planner::groups() const {
    const auto& all = impl_->fleet().groups();
    std::vector<GroupView> out;
    for (std::uint32_t g = 0; g < all.capacity(); ++g)
        if (const grouping::GroupIndex group{g}; all.size(group) > 0)
            out.push_back(impl_->group_view(group));
    std::sort(out.begin(), out.end(),
              [](const GroupView& a, const GroupView& b) { return a.key < b.key; });
    return out;
}

}  // namespace sluice::service
