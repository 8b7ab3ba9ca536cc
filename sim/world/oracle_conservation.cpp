#include <cmath>

#include "sim/world/oracle.hpp"
#include "sim/world/world.hpp"

namespace sluice::sim::world {
namespace {

// The links' totals are sums of many doubles; connections that end round to whole bytes.
constexpr double kRounding = 1e-9;
constexpr int kEvery = 64;  // steps: the sum goes over all connections

class ConservationOracle final : public Oracle {
public:
    explicit ConservationOracle(const World& world) : world_(world) {}

    void on_step(Instant now) override {
        const auto& bytes = world_.wire().bytes();
        if (bytes.sent != bytes.received + bytes.lost + bytes.in_flight) {
            accuse(now, "bytes sent are not those received, lost or under way");
        }
        if (++steps_ % kEvery != 0) return;
        const auto moved = world_.network().moved(now);
        const auto known = static_cast<double>(bytes.sent) + world_.wire().unreported(now);
        const auto slack = 1 + kRounding * moved + world_.wire().ended();
        if (std::abs(moved - known) > slack) {
            accuse(now, "links moved " + std::to_string(moved) + " bytes, connections know of " +
                            std::to_string(known));
        }
    }

private:
    const World& world_;
    std::uint64_t steps_ = 0;
};

}  // namespace

std::unique_ptr<Oracle> make_conservation_oracle(const World& world) {
    return std::make_unique<ConservationOracle>(world);
}

}  // namespace sluice::sim::world
