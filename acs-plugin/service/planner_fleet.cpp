// What an operator does with the fleet: its sites, its policy, and a device that is to be
// forgotten.

#include <algorithm>

#include "acs-plugin/service/planner_impl.hpp"

namespace sluice::service {
namespace {

EventRow event_of(const Act& act, std::string kind, std::string why) {
    EventRow out;
    out.at = act.at;
    out.kind = std::move(kind);
    out.who = act.who;
    out.why = std::move(why);
    return out;
}

// What a device could not report either.
bool has_control(std::string_view text) {
    return std::ranges::any_of(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// Stands in for a device that is gone, so that the others keep their numbers.
inventory::DeviceReport nobody(std::uint32_t number) {
    inventory::DeviceReport out;
    out.oui = "000000";
    out.product_class = "gone";
    out.serial = std::to_string(number);
    return out;
}

}  // namespace

Result<void> Planner::import_sites(const std::vector<SiteImportRow>& sites, const Act& act,
                                   Changes& out) {
    constexpr std::size_t kMaxSite = 256, kMaxIdentity = 640;
    for (const auto& s : sites)
        if (s.identity.empty() || s.identity.size() > kMaxIdentity || s.site.size() > kMaxSite)
            return Error{"'" + s.identity.substr(0, 64) +
                         "': identity or site is too long or empty"};
    // Found before anything is changed.
    for (const auto& s : sites)
        if (has_control(s.site))
            return Error{"'" + s.identity + "': the site has a control character"};
    Impl::Batch batch{act.at, out, act.who};
    for (const auto& s : sites) {
        out.push_back(s);
        if (s.site.empty())
            impl_->imports.erase(s.identity);
        else
            impl_->imports[s.identity] = s.site;
        const auto d = impl_->book.find(s.identity);
        if (!d) continue;
        // Taken out of the table: its next report says where it is.
        auto row = impl_->book.row(*d);
        auto& site = row.report.site;
        if (s.site.empty() && site.source != inventory::SiteSource::imported) continue;
        const auto before = row;
        site = s.site.empty() ? inventory::Site{}
                              : inventory::Site{inventory::SiteSource::imported, s.site};
        SLUICE_CHECK(impl_->fleet().apply(row.report));
        impl_->fleet().settle();
        impl_->before_change(*d, before);
        impl_->keep_row(*d, row);
        out.push_back(row);
        impl_->after_change(*d, row, batch);
    }
    batch.events.push_back(event_of(act, "device.imported",
                                    "the sites of " + std::to_string(sites.size()) + " devices"));
    impl_->write(batch);
    return success();
}

const PolicyRow& Planner::policy() const {
    return impl_->policy_row;
}

// The same devices under the same numbers, grouped and elected anew. Plans that are out stand.
Result<void> Planner::set_policy(std::string_view json, const Act& act, Changes& out) {
    SLUICE_TRY(auto policy, planning::parse_fleet_policy(json));
    auto& book = impl_->book;
    std::vector<inventory::DeviceReport> reports;
    const auto end = impl_->fleet().inventory().size();
    reports.reserve(end);
    for (std::uint32_t i = 0; i < end; ++i)
        reports.push_back(book.has(DeviceIndex{i}) ? book.row(DeviceIndex{i}).report : nobody(i));
    impl_->settings.fleet = policy;
    impl_->fleet_storage.emplace(policy);
    SLUICE_CHECK(impl_->fleet().load(reports));
    for (std::uint32_t i = 0; i < end; ++i)
        if (!book.has(DeviceIndex{i})) impl_->fleet().forget(DeviceIndex{i});
    impl_->fleet().settle();
    auto& row = impl_->policy_row;
    row.text = json;
    ++row.version;
    out.push_back(row);
    auto event = event_of(act, "policy.changed", "");
    event.to = std::to_string(row.version);
    out.push_back(std::move(event));
    return success();
}

Result<void> Planner::erase(const std::string& identity, const Act& act, Changes& out) {
    const auto d = impl_->book.find(identity);
    if (!d) return Error{"no device is called '" + identity + "'"};
    Impl::Batch batch{act.at, out, act.who};
    impl_->before_change(*d, impl_->book.row(*d));
    auto held = std::exchange(impl_->tickets(*d), {});
    for (const auto& [run, member] : held) {
        run->totals.peer_bytes -= run->seat(member).peer_bytes;
        run->engine.forget(member);
        run->seat(member).words.reset();
        if (!run->is_over()) impl_->feed(*run, rollout::Tick{}, batch);
    }
    impl_->calls.drop(identity);
    std::erase_if(impl_->unreachable, [&](const auto& each) {
        return std::ranges::any_of(held, [&](const Impl::Ticket& t) {
            return t.run == each.first && t.member == each.second;
        });
    });
    impl_->config_said.erase(*d);
    if (impl_->safeguard != nullptr) impl_->safeguard->forget(identity);
    impl_->imports.erase(identity);
    impl_->book.erase(*d);
    impl_->fleet().forget(*d);
    impl_->fleet().settle();
    impl_->write(batch);
    impl_->forget_in_outcomes(identity, out);
    out.push_back(DeviceGone{identity});
    out.push_back(event_of(act, "device.erased", "a device, at the word of " + act.who));
    return success();
}

}  // namespace sluice::service
