#include "engine/election/ranks.hpp"

#include <algorithm>

#include "engine/base/rng.hpp"

namespace sluice::election {

bool Ranks::is_before(std::uint32_t a, std::uint32_t b) const {
    const auto left = nodes_[a].merit.value, right = nodes_[b].merit.value;
    if (left != right) return left > right;
    return fleet_.identity(DeviceIndex{a}) < fleet_.identity(DeviceIndex{b});
}

std::uint64_t Ranks::priority(std::uint32_t node) const {
    return mix64(nodes_[node].merit.tie());
}

// Both recursions go down a treap: their depth is its height, O(log n) whatever the keys.
void Ranks::split(std::uint32_t root, std::uint32_t by, std::uint32_t& better,
                  std::uint32_t& worse) {
    if (root == kNone) {
        better = worse = kNone;
    } else if (is_before(root, by)) {
        split(nodes_[root].worse, by, nodes_[root].worse, worse);
        better = root;
    } else {
        split(nodes_[root].better, by, better, nodes_[root].better);
        worse = root;
    }
}

std::uint32_t Ranks::merge(std::uint32_t better, std::uint32_t worse) {
    if (better == kNone) return worse;
    if (worse == kNone) return better;
    if (priority(better) > priority(worse)) {
        nodes_[better].worse = merge(nodes_[better].worse, worse);
        return better;
    }
    nodes_[worse].better = merge(better, nodes_[worse].better);
    return worse;
}

void Ranks::make_room(std::uint32_t node) {
    if (node < nodes_.size()) return;
    if (node >= nodes_.capacity()) nodes_.reserve(node + node / 4 + 64);
    nodes_.resize(node + 1);
}

// In order of merit each node goes below the last one on the right spine that outranks it in
// priority, and takes what hung there.
std::uint32_t Ranks::build(std::span<std::pair<Merit, DeviceIndex>> members) {
    for (const auto& [merit, device] : members) {
        make_room(device.value);
        nodes_[device.value] = Node{merit, kNone, kNone};
    }
    std::sort(members.begin(), members.end(), [this](const auto& a, const auto& b) {
        return a.first != b.first ? a.first.value > b.first.value
                                  : is_before(a.second.value, b.second.value);
    });
    std::vector<std::uint32_t> spine;
    for (const auto& [merit, device] : members) {
        const auto node = device.value;
        while (!spine.empty() && priority(spine.back()) <= priority(node)) {
            nodes_[node].better = spine.back();
            spine.pop_back();
        }
        if (!spine.empty()) nodes_[spine.back()].worse = node;
        spine.push_back(node);
    }
    return spine.empty() ? kNone : spine.front();
}

void Ranks::insert(std::uint32_t& root, DeviceIndex device, Merit merit) {
    const auto node = device.value;
    make_room(node);
    nodes_[node].merit = merit;
    auto* at = &root;
    while (*at != kNone && priority(*at) > priority(node))
        at = is_before(*at, node) ? &nodes_[*at].worse : &nodes_[*at].better;
    std::uint32_t better = kNone, worse = kNone;
    split(*at, node, better, worse);
    nodes_[node].better = better;
    nodes_[node].worse = worse;
    *at = node;
}

void Ranks::erase(std::uint32_t& root, DeviceIndex device) {
    const auto node = device.value;
    auto* at = &root;
    while (*at != node) at = is_before(*at, node) ? &nodes_[*at].worse : &nodes_[*at].better;
    *at = merge(nodes_[node].better, nodes_[node].worse);
}

}  // namespace sluice::election
