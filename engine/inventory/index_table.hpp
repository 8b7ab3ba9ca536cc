#pragma once
// A hash table of dense indices: the values live in the caller's columns, the table holds 4 bytes a
// slot. Linear probing, erased by shifting back, so that no tombstones gather in a fleet that
// changes all day.

#include <cstdint>
#include <vector>

namespace sluice::inventory {

class IndexTable {
public:
    static constexpr std::uint32_t kNone = 0xffffffff;

    // The entry with this hash for which is_same(entry) holds; kNone without one.
    template <class IsSame>
    std::uint32_t find(std::uint64_t hash, const IsSame& is_same) const {
        if (slots_.empty()) return kNone;
        for (auto at = home(hash); slots_[at] != kNone; at = next(at))
            if (is_same(slots_[at])) return slots_[at];
        return kNone;
    }

    // `hash_of(entry)` is asked again when the table grows. The entry must not be there yet.
    template <class HashOf>
    void insert(std::uint32_t entry, const HashOf& hash_of) {
        if ((count_ + 1) * 4 > slots_.size() * 3) grow(hash_of);
        place(entry, hash_of(entry));
        ++count_;
    }

    template <class HashOf>
    void erase(std::uint32_t entry, const HashOf& hash_of) {
        auto hole = home(hash_of(entry));
        while (slots_[hole] != entry) hole = next(hole);
        for (auto at = next(hole); slots_[at] != kNone; at = next(at)) {
            const auto wanted = home(hash_of(slots_[at]));
            // Moves only what would not be found any more, its home being at or before the hole.
            if (((at - wanted) & mask()) < ((at - hole) & mask())) continue;
            slots_[hole] = slots_[at];
            hole = at;
        }
        slots_[hole] = kNone;
        --count_;
    }

    std::size_t bytes() const { return slots_.capacity() * sizeof(std::uint32_t); }

private:
    std::size_t mask() const { return slots_.size() - 1; }
    std::size_t home(std::uint64_t hash) const { return static_cast<std::size_t>(hash) & mask(); }
    std::size_t next(std::size_t at) const { return (at + 1) & mask(); }

    void place(std::uint32_t entry, std::uint64_t hash) {
        auto at = home(hash);
        while (slots_[at] != kNone) at = next(at);
        slots_[at] = entry;
    }

    template <class HashOf>
    void grow(const HashOf& hash_of) {
        std::vector<std::uint32_t> old(slots_.empty() ? 16 : slots_.size() * 2, kNone);
        old.swap(slots_);
        for (const auto entry : old)
            if (entry != kNone) place(entry, hash_of(entry));
    }

    std::vector<std::uint32_t> slots_;  // a power of two of them
    std::size_t count_ = 0;
};

}  // namespace sluice::inventory
