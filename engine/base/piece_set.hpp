#pragma once
// Which pieces of one image are there (verified, durable or wanted, as its owner says). A bit a
// piece and a running count; what a `have` answer and a transfer session both read.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/base/strong.hpp"

namespace sluice {

struct PieceRun {
    PieceIndex first;
    std::uint32_t count = 0;

    constexpr std::uint32_t end() const { return first.value + count; }
    friend constexpr bool operator==(PieceRun, PieceRun) = default;
};

class PieceSet {
public:
    PieceSet() = default;
    explicit PieceSet(std::uint32_t size);

    std::uint32_t size() const { return size_; }
    std::uint32_t count() const { return count_; }
    bool is_complete() const { return count_ == size_; }
    bool contains(PieceIndex p) const { return (words_[p.value / 64] >> (p.value % 64) & 1) != 0; }
    // Both say whether the set changed.
    bool insert(PieceIndex p);
    bool erase(PieceIndex p);

    // The first missing piece at or after `from`, and how many missing ones follow, capped.
    std::optional<PieceRun> first_missing_run(PieceIndex from, std::uint32_t max_count) const;
    // One past the last piece of the unbroken run of present pieces that starts at `from`.
    std::uint32_t present_until(PieceIndex from) const;

    // The `have` bitmap: ⌈size/8⌉ bytes, piece 0 is the top bit of byte 0, spare bits 0.
    std::vector<std::uint8_t> to_bitmap() const;
    // Nothing when the length is wrong or a spare bit is set.
    static std::optional<PieceSet> from_bitmap(std::span<const std::uint8_t> bitmap,
                                               std::uint32_t size);

    friend bool operator==(const PieceSet&, const PieceSet&) = default;

private:
    std::uint32_t next_with(PieceIndex from, bool present) const;

    std::uint32_t size_ = 0;
    std::uint32_t count_ = 0;
    std::vector<std::uint64_t> words_;
};

}  // namespace sluice
