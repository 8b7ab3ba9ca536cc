#include "engine/planning/alternates.hpp"

#include <algorithm>
#include <tuple>

namespace sluice::planning {
namespace {

struct Dealer {
    const ShapeInput& in;
    const Shape& shape;
    std::vector<std::uint32_t> children;  // planned
    std::vector<std::uint32_t> depth;
    std::vector<std::uint32_t> extra;      // dealt while one parent is taken for dead
    std::vector<std::uint32_t> new_depth;  // then

    Dealer(const ShapeInput& input, const Shape& s)
        : in(input),
          shape(s),
          children(s.parents.size(), 0),
          depth(s.parents.size(), 0),
          extra(s.parents.size(), 0) {
        for (std::size_t i = 0; i < s.parents.size(); ++i) {
            if (s.parents[i] == kFromOrigin) continue;
            ++children[s.parents[i]];
            depth[i] = depth[s.parents[i]] + 1;
        }
        new_depth = depth;
    }

    bool hangs_on(std::uint32_t device, std::uint32_t ancestor) const {
        for (auto p = shape.parents[device]; p != kFromOrigin; p = shape.parents[p])
            if (p == ancestor) return true;
        return false;
    }

    // How many children a port carries at the speed of the inflow.
    std::uint64_t carried(std::uint32_t i) const {
        return std::max<std::uint64_t>(in.ports[i].up_bps / in.inflow_bps, 1);
    }

    // Children that `i` has left when all of `gone` are dead.
    std::uint32_t load_without(const std::vector<std::uint32_t>& gone, std::uint32_t i) const {
        const auto freed =
            std::count_if(gone.begin(), gone.end(), [&](auto g) { return shape.parents[g] == i; });
        return children[i] + extra[i] - static_cast<std::uint32_t>(freed);
    }

    // The best place for `orphan` when all that it has, its parent first, are dead: among those
    // ranked before it.
    std::uint32_t place(std::uint32_t orphan, const std::vector<std::uint32_t>& has) const {
        const auto dead = has.front();
        auto best = kFromOrigin;
        std::tuple<bool, bool, bool, std::uint32_t, std::uint32_t, std::uint32_t> best_cost;
        for (std::uint32_t i = 0; i < std::min(orphan, in.relays); ++i) {
            if (std::find(has.begin(), has.end(), i) != has.end()) continue;
            const auto load = load_without(has, i);
            // One that hangs on the dead parent itself starves until it has found another.
            const std::tuple cost{dead != 0 && hangs_on(i, dead),
                                  load + 1 > carried(i),
                                  load + 1 > std::max(carried(i) * 7 / 10, std::uint64_t{1}),
                                  new_depth[i],
                                  load,
                                  i};
            if (best == kFromOrigin || cost < best_cost) best = i, best_cost = cost;
        }
        return best;
    }
};

}  // namespace

Alternates deal_alternates(const ShapeInput& input, const Shape& shape, std::uint32_t alternates) {
    const auto count = static_cast<std::uint32_t>(shape.parents.size());
    Dealer dealer(input, shape);
    Alternates out;
    out.peers.resize(count);
    out.load = dealer.children;
    for (std::uint32_t i = 1; i < count; ++i) out.peers[i].push_back(shape.parents[i]);
    for (std::uint32_t dead = 0; dead < count; ++dead) {
        if (dealer.children[dead] == 0) continue;
        std::fill(dealer.extra.begin(), dealer.extra.end(), 0);
        dealer.new_depth = dealer.depth;
        for (std::uint32_t turn = 0; turn < alternates; ++turn)
            for (std::uint32_t i = dead + 1; i < count; ++i) {
                if (shape.parents[i] != dead) continue;
                const auto to = dealer.place(i, out.peers[i]);
                if (to == kFromOrigin) continue;
                out.peers[i].push_back(to);
                ++dealer.extra[to];
                if (turn > 0) continue;
                // Only the first alternate counts for slots: the later ones stand in for it.
                dealer.new_depth[i] = dealer.new_depth[to] + 1;
                out.load[to] = std::max(out.load[to], dealer.children[to] + dealer.extra[to]);
            }
    }
    return out;
}

}  // namespace sluice::planning
