#include <map>
#include <vector>

#include "sim/world/host.hpp"
#include "sim/world/oracle.hpp"
#include "sim/world/world.hpp"

namespace sluice::sim::world {
namespace {

// Counts what really came over each session's requests of the origin, wanted or not. The layer is
// beside the budget.
class BudgetOracle final : public Oracle {
public:
    explicit BudgetOracle(const World& world) : hosts_(world.host_count()) {}

    void on_boot(const Host& host, Instant) override { hosts_[host.index().value] = {}; }
    void on_action(const Host& host, const transfer::Action& action, Instant) override {
        const auto* run = std::get_if<transfer::RequestRun>(&action);
        if (run != nullptr && host.is_origin(run->source)) {
            hosts_[host.index().value].is_origins[run->id] = true;
        }
    }
    void on_event(const Host& host, const transfer::Event& event, Instant now) override {
        const auto* bytes = std::get_if<transfer::BytesArrived>(&event);
        auto& known = hosts_[host.index().value];
        if (bytes == nullptr || !known.is_origins.contains(bytes->id)) return;
        known.taken += bytes->bytes;
        const auto budget = host.spec().assignment.budgets.origin_bytes;
        if (known.taken > budget) {
            accuse(host, now,
                   "took " + std::to_string(known.taken) + " bytes of the origin, allowed were " +
                       std::to_string(budget));
        }
    }
    using Oracle::on_action;
    using Oracle::on_event;

private:
    struct Known {
        std::map<RequestId, bool> is_origins;
        std::uint64_t taken = 0;
    };
    std::vector<Known> hosts_;
};

}  // namespace

std::unique_ptr<Oracle> make_budget_oracle(const World& world) {
    return std::make_unique<BudgetOracle>(world);
}

}  // namespace sluice::sim::world
