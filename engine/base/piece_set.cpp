#include "engine/base/piece_set.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

namespace sluice {

PieceSet::PieceSet(std::uint32_t size) : size_(size), words_((size + 63) / 64, 0) {}

bool PieceSet::insert(PieceIndex p) {
    assert(p.value < size_);
    if (contains(p)) return false;
    words_[p.value / 64] |= std::uint64_t{1} << (p.value % 64);
    ++count_;
    return true;
}

bool PieceSet::erase(PieceIndex p) {
    assert(p.value < size_);
    if (!contains(p)) return false;
    words_[p.value / 64] &= ~(std::uint64_t{1} << (p.value % 64));
    --count_;
    return true;
}

// The first index at or after `from` whose bit equals `present`; size_ when there is none.
std::uint32_t PieceSet::next_with(PieceIndex from, bool present) const {
    if (from.value >= size_) return size_;
    std::size_t w = from.value / 64;
    std::uint64_t word = present ? words_[w] : ~words_[w];
    word &= ~std::uint64_t{0} << (from.value % 64);
    while (word == 0) {
        if (++w == words_.size()) return size_;
        word = present ? words_[w] : ~words_[w];
    }
    const auto at =
        static_cast<std::uint32_t>(w * 64 + static_cast<unsigned>(std::countr_zero(word)));
    return std::min(at, size_);
}

std::optional<PieceRun> PieceSet::first_missing_run(PieceIndex from,
                                                    std::uint32_t max_count) const {
    const auto first = next_with(from, false);
    if (first == size_ || max_count == 0) return std::nullopt;
    const auto end = next_with(PieceIndex{first}, true);
    return PieceRun{PieceIndex{first}, std::min(end - first, max_count)};
}

std::uint32_t PieceSet::present_until(PieceIndex from) const {
    return next_with(from, false);
}

std::vector<std::uint8_t> PieceSet::to_bitmap() const {
    std::vector<std::uint8_t> out((size_ + 7) / 8, 0);
    for (auto p = next_with(PieceIndex{0}, true); p < size_; p = next_with(PieceIndex{p + 1}, true))
        out[p / 8] = static_cast<std::uint8_t>(out[p / 8] | 0x80u >> (p % 8));
    return out;
}

std::optional<PieceSet> PieceSet::from_bitmap(std::span<const std::uint8_t> bitmap,
                                              std::uint32_t size) {
    if (bitmap.size() != (std::size_t{size} + 7) / 8) return std::nullopt;
    if (size % 8 != 0 && (bitmap.back() & (0xffu >> (size % 8))) != 0) return std::nullopt;
    PieceSet out(size);
    for (std::uint32_t p = 0; p < size; ++p)
        if ((bitmap[p / 8] & (0x80u >> (p % 8))) != 0) out.insert(PieceIndex{p});
    return out;
}

}  // namespace sluice
