#pragma once
// Every device's row, packed: what many devices share is kept once, the rest lies in one piece of
// memory a device. A million rows as structures would be a gigabyte. Beside it the orders in which
// pages are asked for. By DeviceIndex: the inventory's numbers are this book's.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acs-plugin/service/ordered_index.hpp"
#include "acs-plugin/service/rows.hpp"
#include "acs-plugin/service/views.hpp"
#include "engine/inventory/inventory.hpp"

namespace sluice::service {

class DeviceBook {
public:
    // Outlives the book; a device is in there before it is put here.
    explicit DeviceBook(const inventory::Inventory& inventory) : inventory_(&inventory) {}

    std::size_t size() const { return by_identity_.size(); }
    bool has(DeviceIndex d) const { return d.value < slots_.size() && slots_[d.value].is_there; }
    std::optional<DeviceIndex> find(std::string_view identity) const {
        const auto d = inventory_->find(identity);
        return d && has(*d) ? d : std::nullopt;
    }
    std::uint32_t index_end() const { return static_cast<std::uint32_t>(slots_.size()); }
    DeviceRow row(DeviceIndex d) const;
    std::string_view identity(DeviceIndex d) const { return inventory_->identity(d); }
    std::string_view site(DeviceIndex d) const { return texts_.view(slots_[d.value].site); }
    std::string_view software(DeviceIndex d) const { return texts_.view(slots_[d.value].software); }
    std::string_view time_zone(DeviceIndex d) const { return texts_.view(slots_[d.value].zone); }
    bool is_callable(DeviceIndex d) const { return slots_[d.value].is_callable; }
    WallTime last_seen(DeviceIndex d) const { return slots_[d.value].last_seen; }

    void put(DeviceIndex d, const DeviceRow& row);
    void erase(DeviceIndex d);
    // Between the two, put() keeps no order: a fleet is loaded.
    void begin_load() { is_loading_ = true; }
    void end_load();

    // Devices of a site; none for the empty name.
    std::vector<DeviceIndex> of_site(std::string_view site) const;
    // In order of identity, after it, until `visit` says false.
    template <class Visit>
    void walk(std::string_view after, const Visit& visit) const {
        by_identity_.walk(
            by_identity_.partition([&](DeviceIndex d) { return identity(d) <= after; }), visit);
    }
    template <class Visit>
    void walk_sites(std::string_view after, const Visit& visit) const {
        by_site_.walk(by_site_.partition([&](DeviceIndex d) { return site(d) <= after; }), visit);
    }

    template <class Visit>
    void walk_sites_from(std::string_view first, const Visit& visit) const {
        by_site_.walk(by_site_.partition([&](DeviceIndex d) { return site(d) < first; }), visit);
    }

    struct Page {
        std::vector<DeviceIndex> devices;
        std::string next;
    };
    Result<Page> page(const DeviceQuery& query) const;

private:
    // What is not said is the greatest value.
    struct Slot {
        std::unique_ptr<char[]> own;  // serial, URL, user name, password, config_version, lengths
        std::uint64_t cache = 0, uplink = 0, downlink = 0;
        double cpu = 0;
        WallTime first_seen, last_seen;
        inventory::StringId oui = 0, product = 0, maker = 0, hardware = 0, software = 0, site = 0;
        inventory::StringId root = 0, zone = 0;
        std::uint32_t max_envelopes = 1;
        std::uint16_t protocols = 0;
        inventory::Endpoint server;
        inventory::SiteSource site_source = inventory::SiteSource::none;
        inventory::DeviceKind kind = inventory::DeviceKind::plain;
        std::uint8_t cwmp = 0;
        bool is_there = false, is_callable = false, is_gateway = false, is_enabled = true;
        bool has_server = false, has_cpu = false;
    };

    void fill(Slot& slot, const DeviceRow& row);
    void enter(DeviceIndex d);
    void leave(DeviceIndex d);
    std::string key_text(DeviceIndex d, DeviceSort sort) const;
    const OrderedIndex& order(DeviceSort sort) const;
    struct Wanted;
    bool fits(DeviceIndex d, const DeviceFilter& filter, const Wanted& wanted) const;
    std::optional<std::vector<DeviceIndex>> those_with(std::string_view prefix,
                                                       std::size_t at_most) const;

    // Orders; ties by identity, so that there are none.
    bool before(DeviceIndex a, DeviceIndex b) const { return identity(a) < identity(b); }
    auto less(DeviceSort sort) const;

    const inventory::Inventory* inventory_;
    std::vector<Slot> slots_;
    inventory::StringPool texts_;
    OrderedIndex by_identity_, by_site_, by_software_, by_seen_;
    bool is_loading_ = false;
};

}  // namespace sluice::service
