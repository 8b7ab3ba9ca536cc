#include <vector>

#include "sim/world/host.hpp"
#include "sim/world/oracle.hpp"
#include "sim/world/world.hpp"

namespace sluice::sim::world {
namespace {

// A waiting slave polls each of its sources about twice a second and starts over when one is lost.
constexpr double kQuestionsPerSecond = 16;
constexpr double kQuestionsAtOnce = 64;

class StormOracle final : public Oracle {
public:
    explicit StormOracle(const World& world) : hosts_(world.host_count()) {}

    void on_boot(const Host& host, Instant now) override { start(host, now); }
    void on_event(const Host& host, const transfer::Event& event, Instant now) override {
        if (std::holds_alternative<transfer::PieceProved>(event)) start(host, now);
    }
    void on_action(const Host& host, const transfer::Action& action, Instant now) override {
        const bool is_question = std::holds_alternative<transfer::RequestRun>(action) ||
                                 std::holds_alternative<transfer::RequestLayer>(action) ||
                                 std::holds_alternative<transfer::AskHave>(action);
        if (!is_question) return;
        auto& known = hosts_[host.index().value];
        ++known.questions;
        const auto seconds = static_cast<double>((now - known.since).count()) / 1e9;
        if (static_cast<double>(known.questions) >
            kQuestionsAtOnce + kQuestionsPerSecond * seconds) {
            accuse(host, now,
                   "asked " + std::to_string(known.questions) + " times in " +
                       std::to_string(seconds) + " s without a piece");
        }
    }
    using Oracle::on_action;
    using Oracle::on_event;

private:
    struct Known {
        Instant since;
        std::uint64_t questions = 0;
    };
    void start(const Host& host, Instant now) { hosts_[host.index().value] = {now, 0}; }

    std::vector<Known> hosts_;
};

}  // namespace

std::unique_ptr<Oracle> make_storm_oracle(const World& world) {
    return std::make_unique<StormOracle>(world);
}

}  // namespace sluice::sim::world
