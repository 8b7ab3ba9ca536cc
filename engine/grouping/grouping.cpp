#include "engine/grouping/grouping.hpp"

#include <algorithm>

#include "engine/base/rng.hpp"

namespace sluice::grouping {
namespace {

using inventory::IndexTable;

void make_room(std::vector<std::uint32_t>& column, std::size_t more) {
    if (column.size() + more > column.capacity())
        column.reserve(column.size() + column.size() / 4 + more + 64);
}

}  // namespace

Grouping::Grouping(const inventory::Inventory& fleet, GroupingPolicy policy)
    : fleet_(fleet),
      policy_(std::move(policy)),
      width_(policy_.fields.size() + (policy_.by_site ? 1 : 0)),
      wanted_(width_) {}

std::uint32_t Grouping::hash_of(const std::uint32_t* key) const {
    std::uint64_t h = 0;
    for (std::size_t i = 0; i < width_; ++i) h = mix64(h ^ key[i]);
    return static_cast<std::uint32_t>(h);
}

// False for a device that shares with nobody.
bool Grouping::read_key(DeviceIndex device) {
    if (!fleet_.is_present(device)) return false;
    std::size_t i = 0;
    for (const auto field : policy_.fields) wanted_[i++] = fleet_.field(device, field);
    if (!policy_.by_site) return true;
    wanted_[i] = fleet_.site(device);
    return wanted_[i] != inventory::kNoSite;
}

GroupIndex Grouping::find_or_make() {
    const auto hash = hash_of(wanted_.data());
    const auto known = table_.find(
        hash, [this](auto g) { return std::equal(wanted_.begin(), wanted_.end(), key_of(g)); });
    if (known != IndexTable::kNone) return GroupIndex{known};
    std::uint32_t group = capacity();
    if (!free_.empty()) {
        group = free_.back();
        free_.pop_back();
        std::copy(wanted_.begin(), wanted_.end(),
                  keys_.begin() + static_cast<std::ptrdiff_t>(group * width_));
    } else {
        make_room(keys_, width_);
        keys_.insert(keys_.end(), wanted_.begin(), wanted_.end());
        make_room(sizes_, 1);
        sizes_.push_back(0);
    }
    table_.insert(group, hash);
    return GroupIndex{group};
}

void Grouping::leave(GroupIndex group) {
    if (group == kNoGroup || --sizes_[group.value] > 0) return;
    table_.erase(group.value, hash_of(key_of(group.value)));
    free_.push_back(group.value);
}

Moved Grouping::update(DeviceIndex device) {
    if (device.value >= group_of_.size()) {
        make_room(group_of_, device.value + 1 - group_of_.size());
        group_of_.resize(device.value + 1, kNoGroup.value);
    }
    const GroupIndex from{group_of_[device.value]};
    const auto to = read_key(device) ? find_or_make() : kNoGroup;
    if (from == to) return {from, to};
    // Entered before it is left: the number of a group that empties is not given out in between.
    if (to != kNoGroup) ++sizes_[to.value];
    leave(from);
    group_of_[device.value] = to.value;
    return {from, to};
}

GroupIndex Grouping::group_of(DeviceIndex device) const {
    return device.value < group_of_.size() ? GroupIndex{group_of_[device.value]} : kNoGroup;
}

inventory::SiteId Grouping::site_of(GroupIndex group) const {
    return policy_.by_site ? key_of(group.value)[width_ - 1] : inventory::kNoSite;
}

std::string Grouping::key_text(GroupIndex group) const {
    std::string out;
    for (std::size_t i = 0; i < policy_.fields.size(); ++i) {
        if (!out.empty()) out += ' ';
        out += inventory::kFieldNames[static_cast<std::size_t>(policy_.fields[i])];
        out += '=';
        out += fleet_.text(key_of(group.value)[i]);
    }
    if (policy_.by_site)
        out += (out.empty() ? "site=" : " site=") + fleet_.site_text(site_of(group)).value;
    return out;
}

std::size_t Grouping::bytes() const {
    return (keys_.capacity() + sizes_.capacity() + group_of_.capacity() + free_.capacity()) *
               sizeof(std::uint32_t) +
           table_.bytes();
}

}  // namespace sluice::grouping
