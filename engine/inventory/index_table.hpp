#pragma once
// A hash table of dense indices: the values live in the caller's columns, the table holds the index
// and its hash, 8 bytes a slot, so that neither a miss nor growing touches the values. Linear
// probing, erased by shifting back: no tombstones gather in a fleet that changes all day.

#include <cstdint>
#include <vector>

namespace sluice::inventory {

class IndexTable {
public:
    static constexpr std::uint32_t kNone = 0xffffffff;

    // The entry with this hash for which is_same(entry) holds; kNone without one.
    template <class IsSame>
    std::uint32_t find(std::uint32_t hash, const IsSame& is_same) const {
        if (slots_.empty()) return kNone;
        for (auto at = home(hash); slots_[at].entry != kNone; at = next(at))
            if (slots_[at].hash == hash && is_same(slots_[at].entry)) return slots_[at].entry;
        return kNone;
    }

    // The entry must not be there yet.
    void insert(std::uint32_t entry, std::uint32_t hash) {
        if ((count_ + 1) * 4 > slots_.size() * 3) grow();
        place({entry, hash});
        ++count_;
    }

    // The entry must be there, under this hash.
    void erase(std::uint32_t entry, std::uint32_t hash) {
        auto hole = home(hash);
        while (slots_[hole].entry != entry) hole = next(hole);
        for (auto at = next(hole); slots_[at].entry != kNone; at = next(at)) {
            const auto wanted = home(slots_[at].hash);
            // Moves only what would not be found any more, its home being at or before the hole.
            if (((at - wanted) & mask()) < ((at - hole) & mask())) continue;
            slots_[hole] = slots_[at];
            hole = at;
        }
        slots_[hole] = Slot{};
        --count_;
    }

    std::size_t bytes() const { return slots_.capacity() * sizeof(Slot); }

private:
    struct Slot {
        std::uint32_t entry = kNone;
        std::uint32_t hash = 0;
    };
    std::size_t mask() const { return slots_.size() - 1; }
    std::size_t home(std::uint32_t hash) const { return hash & mask(); }
    std::size_t next(std::size_t at) const { return (at + 1) & mask(); }

    void place(Slot slot) {
        auto at = home(slot.hash);
        while (slots_[at].entry != kNone) at = next(at);
        slots_[at] = slot;
    }

    void grow() {
        std::vector<Slot> old(slots_.empty() ? 16 : slots_.size() * 2);
        old.swap(slots_);
        for (const auto& slot : old)
            if (slot.entry != kNone) place(slot);
    }

    std::vector<Slot> slots_;  // a power of two of them
    std::size_t count_ = 0;
};

}  // namespace sluice::inventory
