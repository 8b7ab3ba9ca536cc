#include "sim/flow/pipeline.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace sluice::sim::flow {
namespace {

constexpr auto kNever = std::numeric_limits<double>::infinity();

void relay_alone(const Parent& parent, Child& child, std::span<const double> piece_bits,
                 double bps) {
    auto at = child.starts_at;
    for (std::size_t k = 0; k < piece_bits.size(); ++k) {
        at = std::max(at, parent.ready[k]) + piece_bits[k] / bps;
        child.arrived[k] = at;
    }
}

bool are_in_step(const Parent& parent, std::span<const Child> children) {
    const auto share = parent.up_bps / static_cast<double>(children.size());
    const auto rate = std::min(share, children.front().cap_bps);
    return std::ranges::all_of(children, [&](const Child& c) {
        return c.starts_at <= parent.ready.front() && std::min(share, c.cap_bps) == rate;
    });
}

bool never_compete(const Parent& parent, std::span<const Child> children) {
    double sum = 0;
    for (const auto& child : children) sum += child.cap_bps;
    return sum <= parent.up_bps;
}

// Every arrival of a piece at a child is an event; between events all rates stand still.
class Contest {
public:
    Contest(const Parent& parent, std::span<Child> children, std::span<const double> piece_bits)
        : parent_(parent), children_(children), piece_bits_(piece_bits) {
        by_cap_.resize(children.size());
        std::iota(by_cap_.begin(), by_cap_.end(), std::size_t{0});
        std::ranges::stable_sort(by_cap_, {}, [&](std::size_t c) { return children[c].cap_bps; });
        for (std::size_t c = 0; c < children.size(); ++c) takers_.push_back({0, begin_of(c, 0)});
    }

    void run() {
        double now = 0;
        for (auto open = children_.size(); open > 0;) {
            share(now);
            auto next = kNever;
            for (const auto& taker : takers_) {
                if (taker.is_active)
                    next = std::min(next, now + taker.left / taker.rate);
                else if (taker.begins_at > now)
                    next = std::min(next, taker.begins_at);
            }
            open -= advance(now, next);
            now = next;
        }
    }

private:
    struct Taker {
        std::size_t piece = 0;
        double begins_at = 0;  // of this piece; kNever when through
        double left = 0;
        double rate = 0;
        bool is_active = false;
    };
    double begin_of(std::size_t child, std::size_t piece) const {
        return std::max(children_[child].starts_at, parent_.ready[piece]);
    }

    // Max-min of the uplink among those that fetch; the smallest caps first.
    void share(double now) {
        std::size_t active = 0;
        for (auto& taker : takers_) {
            if (!taker.is_active && taker.begins_at <= now) {
                taker.is_active = true;
                taker.left = piece_bits_[taker.piece];
            }
            active += taker.is_active;
        }
        auto left = parent_.up_bps;
        for (const auto c : by_cap_) {
            auto& taker = takers_[c];
            if (!taker.is_active) continue;
            taker.rate = std::min(children_[c].cap_bps, left / static_cast<double>(active--));
            left -= taker.rate;
        }
    }

    std::size_t advance(double now, double next) {
        std::size_t through = 0;
        for (std::size_t c = 0; c < takers_.size(); ++c) {
            auto& taker = takers_[c];
            if (!taker.is_active) continue;
            const auto ends = now + taker.left / taker.rate;
            if (ends > next * (1 + 1e-15)) {
                taker.left = std::max(0.0, taker.left - taker.rate * (next - now));
                continue;
            }
            children_[c].arrived[taker.piece++] = next;
            taker.is_active = false;
            const bool is_through = taker.piece == piece_bits_.size();
            taker.begins_at = is_through ? kNever : begin_of(c, taker.piece);
            through += is_through;
        }
        return through;
    }

    const Parent& parent_;
    std::span<Child> children_;
    std::span<const double> piece_bits_;
    std::vector<std::size_t> by_cap_;
    std::vector<Taker> takers_;
};

}  // namespace

PipelineWay relay(const Parent& parent, std::span<Child> children,
                  std::span<const double> piece_bits) {
    if (are_in_step(parent, children)) {
        const auto share = parent.up_bps / static_cast<double>(children.size());
        relay_alone(parent, children.front(), piece_bits,
                    std::min(share, children.front().cap_bps));
        for (auto& child : children.subspan(1))
            std::ranges::copy(children.front().arrived, child.arrived.begin());
        return PipelineWay::in_step;
    }
    if (never_compete(parent, children)) {
        for (auto& child : children) relay_alone(parent, child, piece_bits, child.cap_bps);
        return PipelineWay::apart;
    }
    Contest(parent, children, piece_bits).run();
    return PipelineWay::events;
}

}  // namespace sluice::sim::flow
