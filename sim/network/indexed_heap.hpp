#pragma once
// A binary heap of numbers whose keys and places live in the caller's columns, so that one of them
// can be moved or taken out in O(log n). `before(a, b)` orders, `place(a)` is a reference to where
// the heap keeps its position; kNowhere while it is in none.

#include <cstdint>
#include <utility>
#include <vector>

namespace sluice::sim::network {

class IndexedHeap {
public:
    static constexpr std::uint32_t kNowhere = 0xffffffff;

    bool empty() const { return items_.empty(); }
    std::size_t size() const { return items_.size(); }
    std::uint32_t top() const { return items_.front(); }
    std::size_t bytes() const { return items_.capacity() * sizeof(std::uint32_t); }

    template <class Before, class Place>
    void insert(std::uint32_t item, const Before& before, const Place& place) {
        place(item) = static_cast<std::uint32_t>(items_.size());
        items_.push_back(item);
        rise(items_.size() - 1, before, place);
    }
    template <class Before, class Place>
    void erase(std::uint32_t item, const Before& before, const Place& place) {
        const auto at = std::exchange(place(item), kNowhere);
        const auto last = items_.back();
        items_.pop_back();
        if (last == item) return;
        items_[at] = last;
        place(last) = at;
        update(last, before, place);
    }
    // After the key of `item` changed.
    template <class Before, class Place>
    void update(std::uint32_t item, const Before& before, const Place& place) {
        const std::size_t at = place(item);
        if (rise(at, before, place) == at) sink(at, before, place);
    }

private:
    template <class Before, class Place>
    std::size_t rise(std::size_t at, const Before& before, const Place& place) {
        const auto item = items_[at];
        while (at > 0) {
            const auto parent = (at - 1) / 2;
            if (!before(item, items_[parent])) break;
            put(at, items_[parent], place);
            at = parent;
        }
        put(at, item, place);
        return at;
    }
    template <class Before, class Place>
    void sink(std::size_t at, const Before& before, const Place& place) {
        const auto item = items_[at];
        for (;;) {
            auto child = 2 * at + 1;
            if (child >= items_.size()) break;
            if (child + 1 < items_.size() && before(items_[child + 1], items_[child])) ++child;
            if (!before(items_[child], item)) break;
            put(at, items_[child], place);
            at = child;
        }
        put(at, item, place);
    }
    template <class Place>
    void put(std::size_t at, std::uint32_t item, const Place& place) {
        items_[at] = item;
        place(item) = static_cast<std::uint32_t>(at);
    }

    std::vector<std::uint32_t> items_;
};

}  // namespace sluice::sim::network
