#pragma once
// Devices in one order, for pages: 5 to 8 bytes a device, and a place found or changed in
// O(log n + block). The order itself is the caller's, said with each call; a device whose key is to
// change is taken out first.

#include <algorithm>
#include <vector>

#include "engine/base/strong.hpp"

namespace sluice::service {

class OrderedIndex {
public:
    // A place between two devices; good until the next change.
    struct Place {
        std::size_t block = 0, at = 0;
    };

    std::size_t size() const { return size_; }

    template <class Less>
    void insert(DeviceIndex d, const Less& less) {
        if (blocks_.empty()) {
            blocks_.push_back({d});
            size_ = 1;
            return;
        }
        const auto p = place_of(d, less);
        auto& block = blocks_[p.block];
        block.insert(block.begin() + static_cast<std::ptrdiff_t>(p.at), d);
        ++size_;
        if (block.size() < kMost) return;
        const auto half = block.begin() + kMost / 2;
        std::vector<DeviceIndex> rest(half, block.end());
        block.erase(half, block.end());
        block.shrink_to_fit();
        blocks_.insert(blocks_.begin() + static_cast<std::ptrdiff_t>(p.block) + 1, std::move(rest));
    }

    template <class Less>
    void erase(DeviceIndex d, const Less& less) {
        const auto p = place_of(d, less);
        if (p.block >= blocks_.size() || p.at >= blocks_[p.block].size()) return;
        auto& block = blocks_[p.block];
        block.erase(block.begin() + static_cast<std::ptrdiff_t>(p.at));
        --size_;
        if (block.empty()) blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(p.block));
    }

    // All at once, for a fleet that is loaded.
    template <class Less>
    void build(std::vector<DeviceIndex> all, const Less& less) {
        std::sort(all.begin(), all.end(), less);
        blocks_.clear();
        size_ = all.size();
        for (std::size_t i = 0; i < all.size(); i += kFill)
            blocks_.emplace_back(
                all.begin() + static_cast<std::ptrdiff_t>(i),
                all.begin() + static_cast<std::ptrdiff_t>(std::min(i + kFill, all.size())));
    }

    // Before the first device for which `is_before` is false; it is true for a first part.
    template <class IsBefore>
    Place partition(const IsBefore& is_before) const {
        const auto block = std::partition_point(blocks_.begin(), blocks_.end(),
                                                [&](const auto& b) { return is_before(b.back()); });
        Place out{static_cast<std::size_t>(block - blocks_.begin()), 0};
        if (block != blocks_.end())
            out.at = static_cast<std::size_t>(
                std::partition_point(block->begin(), block->end(), is_before) - block->begin());
        return out;
    }
    Place end() const { return {blocks_.size(), 0}; }

    // Onwards from a place until `visit` says false.
    template <class Visit>
    void walk(Place p, const Visit& visit) const {
        for (; p.block < blocks_.size(); ++p.block, p.at = 0)
            for (; p.at < blocks_[p.block].size(); ++p.at)
                if (!visit(blocks_[p.block][p.at])) return;
    }
    template <class Visit>
    void walk_back(Place p, const Visit& visit) const {
        for (;;) {
            while (p.at > 0)
                if (!visit(blocks_[p.block][--p.at])) return;
            if (p.block == 0) return;
            p.at = blocks_[--p.block].size();
        }
    }

private:
    static constexpr std::size_t kMost = 1024, kFill = 768;

    template <class Less>
    Place place_of(DeviceIndex d, const Less& less) const {
        auto out = partition([&](DeviceIndex other) { return less(other, d); });
        if (out.block == blocks_.size() && out.block > 0)
            out = {out.block - 1, blocks_.back().size()};
        return out;
    }

    std::vector<std::vector<DeviceIndex>> blocks_;
    std::size_t size_ = 0;
};

}  // namespace sluice::service
