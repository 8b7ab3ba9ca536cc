#pragma once
// Puts devices into groups as their reports come in: one device costs one look-up, however large
// the fleet. Group numbers mean nothing outside the process and are used again; a group is known by
// its key.

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/strong.hpp"
#include "engine/grouping/policy.hpp"
#include "engine/inventory/index_table.hpp"

namespace sluice::grouping {

using GroupIndex = Strong<struct GroupIndexTag, std::uint32_t>;
// Of a device that shares with nobody: not present, or without a site where the site joins.
inline constexpr GroupIndex kNoGroup{inventory::IndexTable::kNone};

struct Moved {
    GroupIndex from = kNoGroup;
    GroupIndex to = kNoGroup;
};

class Grouping {
public:
    // `fleet` outlives the grouping. The policy is check()ed.
    Grouping(const inventory::Inventory& fleet, GroupingPolicy policy);

    // To be called for every device that Inventory::apply moved, or that was forgotten.
    Moved update(DeviceIndex device);

    GroupIndex group_of(DeviceIndex device) const;
    std::uint32_t size(GroupIndex group) const { return sizes_[group.value]; }
    std::uint32_t capacity() const { return static_cast<std::uint32_t>(sizes_.size()); }
    std::uint32_t group_count() const {
        return capacity() - static_cast<std::uint32_t>(free_.size());
    }
    inventory::SiteId site_of(GroupIndex group) const;
    // "manufacturer=Acme hardware_version=A1 software_version=1.0 site=home-7"
    std::string key_text(GroupIndex group) const;
    const GroupingPolicy& policy() const { return policy_; }

    std::size_t bytes() const;

private:
    using Key = std::vector<std::uint32_t>;
    bool read_key(DeviceIndex device);
    std::uint32_t hash_of(const std::uint32_t* key) const;
    const std::uint32_t* key_of(std::uint32_t group) const { return &keys_[group * width_]; }
    GroupIndex find_or_make();
    void leave(GroupIndex group);

    const inventory::Inventory& fleet_;
    GroupingPolicy policy_;
    std::size_t width_;                    // numbers in a key: the fields, then the site
    Key wanted_;                           // the key being looked for; kept to spare allocations
    std::vector<std::uint32_t> keys_;      // width_ a group
    std::vector<std::uint32_t> sizes_;     // by group; 0 = free
    std::vector<std::uint32_t> group_of_;  // by device
    std::vector<std::uint32_t> free_;
    inventory::IndexTable table_;
};

}  // namespace sluice::grouping
