#pragma once
// The members of every group in order of merit, kept as reports come in: a treap a group, all in
// three flat columns by device. Priorities come out of the keys, so that the order and the shape
// are the same whatever order devices came in. 16 bytes a device; O(log members) a change.

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "engine/base/strong.hpp"
#include "engine/inventory/inventory.hpp"

namespace sluice::election {

// Greater is better: eligible, then score, then a tie-break out of seed and identity; devices with
// equal numbers are told apart by their identity itself.
struct Merit {
    std::uint64_t value = 0;
    static Merit of(bool is_eligible, std::uint32_t score, std::uint32_t tie) {
        return {(is_eligible ? std::uint64_t{1} << 63 : 0) | std::uint64_t{score} << 32 | tie};
    }
    bool is_eligible() const { return value >> 63 != 0; }
    std::uint32_t score() const { return static_cast<std::uint32_t>(value >> 32) & 0x7fffffff; }
    std::uint32_t tie() const { return static_cast<std::uint32_t>(value); }
    friend bool operator==(Merit, Merit) = default;
};

class Ranks {
public:
    static constexpr std::uint32_t kNone = 0xffffffff;

    explicit Ranks(const inventory::Inventory& fleet) : fleet_(fleet) {}

    // `root` is the group's; kNone for an empty one. The device is in no tree before, resp. in
    // this.
    void insert(std::uint32_t& root, DeviceIndex device, Merit merit);
    void erase(std::uint32_t& root, DeviceIndex device);
    // The tree of exactly these, which are in no other; the same as inserting them one by one, in
    // one sort. Reorders `members`.
    std::uint32_t build(std::span<std::pair<Merit, DeviceIndex>> members);
    Merit merit(DeviceIndex device) const { return nodes_[device.value].merit; }

    // Best first, until `visit` says false. Returns whether it went through.
    template <class Visit>
    bool walk(std::uint32_t root, const Visit& visit) const {
        if (root == kNone) return true;
        return walk(nodes_[root].better, visit) && visit(DeviceIndex{root}) &&
               walk(nodes_[root].worse, visit);
    }

    bool is_better(DeviceIndex a, DeviceIndex b) const { return is_before(a.value, b.value); }
    std::size_t bytes() const { return nodes_.capacity() * sizeof(Node); }

private:
    struct Node {
        Merit merit;
        std::uint32_t better = kNone;
        std::uint32_t worse = kNone;
    };
    void make_room(std::uint32_t node);
    bool is_before(std::uint32_t a, std::uint32_t b) const;
    std::uint64_t priority(std::uint32_t node) const;
    void split(std::uint32_t root, std::uint32_t by, std::uint32_t& better, std::uint32_t& worse);
    std::uint32_t merge(std::uint32_t better, std::uint32_t worse);

    const inventory::Inventory& fleet_;
    std::vector<Node> nodes_;  // by device
};

}  // namespace sluice::election
