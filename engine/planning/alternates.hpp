#pragma once
// Whom a device asks when its planned parent is gone: others ranked before it. Dealt out parent by
// parent as if that parent died, so that its children spread over devices that have room.

#include <cstdint>
#include <vector>

#include "engine/planning/shape.hpp"

namespace sluice::planning {

struct Alternates {
    // By rank: the parent, then the alternates, best first; empty for rank 0.
    std::vector<std::vector<std::uint32_t>> peers;
    // By rank: planned children, and the most that any one lost parent would add.
    std::vector<std::uint32_t> load;
};

Alternates deal_alternates(const ShapeInput& input, const Shape& shape, std::uint32_t alternates);

}  // namespace sluice::planning
