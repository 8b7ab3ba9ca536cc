#pragma once
// Indices and counts that the compiler keeps apart: a PieceIndex is never passed where a
// SourceIndex is wanted. No arithmetic beyond what a kind of value asks for.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace sluice {

template <class Tag, class Rep>
struct Strong {
    using rep = Rep;
    Rep value{};

    constexpr Strong() = default;
    constexpr explicit Strong(Rep v) : value(v) {}
    friend constexpr auto operator<=>(Strong, Strong) = default;
};

// A device's place in the inventory of one process. Dense, never stored, never sent.
using DeviceIndex = Strong<struct DeviceIndexTag, std::uint32_t>;
// A piece of one image, counted from 0.
using PieceIndex = Strong<struct PieceIndexTag, std::uint32_t>;
// A place in an Assignment's ordered list of sources.
using SourceIndex = Strong<struct SourceIndexTag, std::uint8_t>;
// One request of a transfer session; late answers are dropped by it. Never used again.
using RequestId = Strong<struct RequestIdTag, std::uint32_t>;

}  // namespace sluice

template <class Tag, class Rep>
struct std::hash<sluice::Strong<Tag, Rep>> {
    std::size_t operator()(sluice::Strong<Tag, Rep> v) const noexcept {
        return std::hash<Rep>{}(v.value);
    }
};
