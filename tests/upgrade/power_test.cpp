// Whatever is cut, lost or restarted: a whole image always runs, and at the end the device has the
// wanted image with its configuration, or the kept one with the configuration that it had.

#include <cstdlib>
#include <gtest/gtest.h>

#include "tests/upgrade/device.hpp"
#include "tests/upgrade/verdict.hpp"

namespace sluice::upgrade {
namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

World draw_world(Rng& rng) {
    const double wildness = rng.uniform() * 0.8;
    World world;
    world.power_cut = rng.uniform() * wildness;
    world.acs_restart = rng.uniform() * wildness;
    world.lost_answer = rng.uniform() * wildness;
    world.step_fails = rng.uniform() * wildness;
    world.bad_backup = rng.uniform() * wildness;
    world.is_image_bad = rng.below(5) == 0;
    world.loses_configuration = rng.below(2) == 0;
    world.needs_conversion = rng.below(3) == 0;
    return world;
}

Policy draw_policy(const World& world, Rng& rng) {
    Policy policy;
    policy.backup = rng.below(2) == 0 ? Backup::require : Backup::by_device;
    policy.restore = rng.below(2) == 0 ? Restore::always : Restore::if_lost;
    policy.converts = world.needs_conversion;
    policy.applies_at_once = rng.below(2) == 0;
    policy.tries = static_cast<std::uint16_t>(1 + rng.below(3));
    for (auto& rule : policy.rules) rule.asks = rng.below(4) == 0;
    return policy;
}

class Voyage {
public:
    explicit Voyage(std::uint64_t seed)
        : rng_(seed),
          world_(draw_world(rng_)),
          policy_(draw_policy(world_, rng_)),
          device_(world_, policy_, rng_),
          is_(policy_) {}

    // Ends, or says what went wrong.
    std::string play() {
        handle(Start{});
        for (int turn = 0; turn < 20'000 && !is_.is_over(); ++turn) {
            if (!device_.has_whole_image()) return "no whole image";
            if (rng_.uniform() < world_.acs_restart) {
                is_ = Procedure(policy_, durable_);
                pending_.reset();
                handle(Tick{});
            }
            step();
        }
        return is_.is_over() ? judge() : "it never ends";
    }

private:
    void step() {
        if (late_.has_value() && rng_.below(4) == 0)
            return handle(*std::exchange(late_, std::nullopt));
        if (pending_.has_value()) {
            const auto what = *std::exchange(pending_, std::nullopt);
            now_ = now_ + std::chrono::seconds(1 + rng_.below(300));
            if (const auto answer = device_.carry_out(what)) {
                if (rng_.uniform() >= world_.lost_answer) return handle(*answer);
                late_ = answer;
            }
        }
        if (is_.record().question != Step::end) return answer_question();
        now_ = std::max(now_, is_.next_deadline());
        handle(Tick{});
    }

    // A patient operator: whoever declines a roll-back knows what it means (abandoned).
    void answer_question() {
        const auto at = is_.record().question;
        if (!is_rolling_back(at) && rng_.below(3) == 0) return handle(Declined{at});
        if (rng_.below(8) == 0 && !is_rolling_back(at)) return handle(CalledOff{});
        handle(Accepted{at});
    }

    void handle(const Event& event) {
        Actions out;
        is_.on(event, now_, out);
        for (const auto& action : out) {
            // Killed between two actions: what was not recorded did not happen.
            if (rng_.uniform() < world_.acs_restart * 0.2) return restart();
            if (std::holds_alternative<Changed>(action)) durable_ = is_.record();
            if (const auto* what = std::get_if<Do>(&action)) pending_ = *what;
            if (std::holds_alternative<Drop>(action)) pending_.reset();
        }
    }
    void restart() {
        is_ = durable_.number == 0 ? Procedure(policy_) : Procedure(policy_, durable_);
        pending_.reset();
        if (durable_.number == 0) return handle(Start{});
        handle(Tick{});
    }

    std::string judge() const {
        if (!device_.has_whole_image()) return "no whole image";
        return fault_of_end(is_.record().end, device_.runs_new(), device_.has_its_configuration());
    }

    Rng rng_;
    World world_;
    Policy policy_;
    Device device_;
    Procedure is_;
    Record durable_;
    std::optional<Do> pending_;
    std::optional<Event> late_;  // comes when it is of no use any more
    Instant now_{std::chrono::hours(1)};
};

TEST(SafeUpgrade, LosesNoDeviceAndNoConfigurationWhateverIsCut) {
    const auto first = number_from("SLUICE_UPGRADE_SEED", 1);
    const auto runs = number_from("SLUICE_UPGRADE_RUNS", 20'000);
    for (auto seed = first; seed < first + runs; ++seed) {
        const auto wrong = Voyage(seed).play();
        ASSERT_EQ(wrong, "") << "again: SLUICE_UPGRADE_SEED=" << seed << " SLUICE_UPGRADE_RUNS=1";
    }
}

}  // namespace
}  // namespace sluice::upgrade
