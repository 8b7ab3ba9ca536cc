#include "engine/election/elections.hpp"

#include <algorithm>

#include "engine/base/rng.hpp"

namespace sluice::election {
namespace {

using grouping::GroupIndex;
using grouping::kNoGroup;

constexpr auto kNobody = Ranks::kNone;

template <class T>
void stretch(std::vector<T>& column, std::size_t size, T value) {
    if (size <= column.size()) return;
    if (size > column.capacity()) column.reserve(size + size / 4 + 64);
    column.resize(size, value);
}

}  // namespace

Elections::Elections(const inventory::Inventory& fleet, const grouping::Grouping& groups,
                     const MasterPolicy& policy)
    : fleet_(fleet), groups_(groups), policy_(policy), ranks_(fleet) {}

void Elections::mark(GroupIndex group) {
    if (is_dirty_[group.value]) return;
    is_dirty_[group.value] = true;
    dirty_.push_back(group.value);
}

void Elections::leave(DeviceIndex device, GroupIndex group) {
    ranks_.erase(roots_[group.value], device);
    mark(group);
}

Merit Elections::merit_of(DeviceIndex device) const {
    const auto standing = judge(fleet_, device, policy_, false);
    const auto tie = mix64(policy_.seed ^ seed_of(fleet_.identity(device)));
    return Merit::of(standing.is_eligible(), standing.score, static_cast<std::uint32_t>(tie));
}

void Elections::enter(DeviceIndex device, GroupIndex group) {
    ranks_.insert(roots_[group.value], device, merit_of(device));
    mark(group);
}

void Elections::make_room() {
    stretch(roots_, groups_.capacity(), kNobody);
    stretch(first_master_, groups_.capacity(), kNobody);
    stretch(is_dirty_, groups_.capacity(), false);
    stretch(next_master_, fleet_.size(), kNobody);
}

void Elections::update(DeviceIndex device, grouping::Moved moved) {
    make_room();
    if (moved.from != kNoGroup) {
        leave(device, moved.from);
        if (moved.from != moved.to) {  // its seat stays behind
            auto* at = &first_master_[moved.from.value];
            while (*at != kNobody && *at != device.value) at = &next_master_[*at];
            if (*at == device.value) *at = next_master_[device.value];
        }
    }
    if (moved.to != kNoGroup) enter(device, moved.to);
}

// Devices are dealt out by group first (a counting sort), then each group is sorted and built.
void Elections::rebuild() {
    make_room();
    std::vector<std::uint32_t> ends(groups_.capacity() + 1, 0);
    for (std::uint32_t d = 0; d < fleet_.size(); ++d)
        if (const auto g = groups_.group_of(DeviceIndex{d}); g != kNoGroup) ++ends[g.value + 1];
    for (std::size_t g = 1; g < ends.size(); ++g) ends[g] += ends[g - 1];
    std::vector<std::pair<Merit, DeviceIndex>> members(ends.back());
    auto next = ends;
    for (std::uint32_t d = 0; d < fleet_.size(); ++d)
        if (const auto g = groups_.group_of(DeviceIndex{d}); g != kNoGroup)
            members[next[g.value]++] = {merit_of(DeviceIndex{d}), DeviceIndex{d}};
    for (std::uint32_t g = 0; g < groups_.capacity(); ++g) {
        roots_[g] = ranks_.build(std::span(members).subspan(ends[g], ends[g + 1] - ends[g]));
        mark(GroupIndex{g});
    }
}

std::uint32_t Elections::effective_score(DeviceIndex device, bool is_sitting) const {
    return ranks_.merit(device).score() +
           (is_sitting ? policy_.hysteresis_percent * kFullScore / 100 : 0);
}

bool Elections::elect(GroupIndex group) {
    const auto seats = masters_wanted(policy_, groups_.size(group));
    std::vector<DeviceIndex> sitting, candidates;
    for (auto m = first_master_[group.value]; m != kNobody; m = next_master_[m])
        sitting.push_back(DeviceIndex{m});
    const auto sits = [&](DeviceIndex d) {
        return std::find(sitting.begin(), sitting.end(), d) != sitting.end();
    };
    for (const auto d : sitting)
        if (judge(fleet_, d, policy_, true).is_eligible()) candidates.push_back(d);
    // As many challengers as seats are enough: among themselves they are ranked already.
    std::uint32_t challengers = 0;
    ranks_.walk(roots_[group.value], [&](DeviceIndex d) {
        if (challengers == seats || !ranks_.merit(d).is_eligible()) return false;
        if (!sits(d)) candidates.push_back(d), ++challengers;
        return true;
    });
    std::sort(candidates.begin(), candidates.end(), [&](DeviceIndex a, DeviceIndex b) {
        const auto left = effective_score(a, sits(a)), right = effective_score(b, sits(b));
        return left != right ? left > right : ranks_.is_better(a, b);
    });
    if (candidates.size() > seats) candidates.resize(seats);
    if (candidates == sitting) return false;
    auto* at = &first_master_[group.value];
    for (const auto d : candidates) {
        *at = d.value;
        at = &next_master_[d.value];
    }
    *at = kNobody;
    return true;
}

std::vector<GroupIndex> Elections::settle() {
    std::vector<GroupIndex> changed;
    for (const auto g : dirty_) {
        is_dirty_[g] = false;
        if (elect(GroupIndex{g})) changed.push_back(GroupIndex{g});
    }
    dirty_.clear();
    return changed;
}

std::vector<DeviceIndex> Elections::masters(GroupIndex group) const {
    std::vector<DeviceIndex> out;
    if (group == kNoGroup || group.value >= roots_.size()) return out;
    const auto site = groups_.site_of(group);
    if (site != inventory::kNoSite && !fleet_.is_shared_site(site)) return out;
    for (auto m = first_master_[group.value]; m != kNobody; m = next_master_[m])
        out.push_back(DeviceIndex{m});
    return out;
}

Placed Elections::placed(DeviceIndex device, Place place, std::uint32_t order) const {
    return {device, place, order, false, 0, judge(fleet_, device, policy_, place == Place::master)};
}

std::vector<Placed> Elections::ranking(GroupIndex group) const {
    std::vector<Placed> out;
    if (group == kNoGroup || group.value >= roots_.size()) return out;
    const auto seats = masters(group);
    for (const auto d : seats)
        out.push_back(placed(d, Place::master, static_cast<std::uint32_t>(out.size())));
    std::uint32_t stand_ins = 0, members = 0;
    ranks_.walk(roots_[group.value], [&](DeviceIndex d) {
        if (std::find(seats.begin(), seats.end(), d) != seats.end()) return true;
        const bool stands_in =
            !seats.empty() && ranks_.merit(d).is_eligible() && stand_ins < policy_.stand_ins;
        auto next = stands_in ? placed(d, Place::stand_in, stand_ins++)
                              : placed(d, Place::member, members++);
        for (auto& m : out) {
            if (m.place != Place::master) break;
            m.is_kept |= next.standing.is_eligible() && next.standing.score > m.standing.score;
            next.to_beat = m.standing.score;
        }
        out.push_back(next);
        return true;
    });
    return out;
}

std::size_t Elections::bytes() const {
    return ranks_.bytes() +
           (roots_.capacity() + first_master_.capacity() + next_master_.capacity() +
            dirty_.capacity()) *
               sizeof(std::uint32_t) +
           is_dirty_.capacity() / 8;
}

std::string describe(const Placed& p) {
    const auto number = std::to_string(p.order + 1);
    if (p.place == Place::master) {
        auto out = "master " + number + ": " + describe(p.standing);
        if (p.is_kept) out += ", keeps its seat within the margin";
        return out;
    }
    if (p.place == Place::stand_in) return "stand-in " + number + ": " + describe(p.standing);
    if (!p.standing.is_eligible()) return "cannot serve: " + describe(p.standing);
    return "member: " + describe(p.standing) + ", master has " + std::to_string(p.to_beat);
}

}  // namespace sluice::election
