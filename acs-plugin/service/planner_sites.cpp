// The list of sites. Nobody keeps one: it is what devices say, counted when asked.

#include <algorithm>
#include <map>

#include "acs-plugin/service/planner_impl.hpp"

namespace sluice::service {

// One look at every device's column, and at every site's name; only a page of names is kept.
std::vector<SiteView> Planner::sites(std::string_view after, std::size_t at_most) const {
    const auto& inventory = impl_->fleet().inventory();
    std::vector<std::uint32_t> devices;  // by SiteId
    for (std::uint32_t i = 0; i < inventory.size(); ++i) {
        const auto site = inventory.site(DeviceIndex{i});
        if (site == inventory::kNoSite || !inventory.is_present(DeviceIndex{i})) continue;
        if (site >= devices.size()) devices.resize(site + 1);
        ++devices[site];
    }
    std::map<std::string, SiteView> page;  // one name may come from several sources
    for (inventory::SiteId site = 0; site < devices.size(); ++site) {
        if (devices[site] == 0) continue;
        auto name = inventory.site_text(site).value;
        if (name <= after) continue;
        if (page.size() == at_most && !page.empty() && name > page.rbegin()->first) continue;
        auto& view = page[name];
        view.site = std::move(name);
        view.devices += devices[site];
        view.is_shared = view.is_shared || inventory.is_shared_site(site);
        if (page.size() > at_most) page.erase(std::prev(page.end()));
    }
    std::vector<SiteView> out;
    for (auto& [name, view] : page) out.push_back(std::move(view));
    return out;
}

}  // namespace sluice::service
