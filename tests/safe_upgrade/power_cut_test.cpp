// Both southbounds over disks that lose, tear and reorder what was not synced, with the power of
// device and server cut and their processes killed at any write: a whole image always boots, and at
// the end the device has the wanted image, or the one that the operator chose then, with its
// configuration; or the kept one with the configuration that it had.

#include <array>
#include <cstdlib>
#include <gtest/gtest.h>
#include <map>

#include "tests/safe_upgrade/southbound.hpp"
#include "tests/upgrade/verdict.hpp"

namespace sluice::upgrade {
namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

World draw_world(Rng& rng) {
    const double wildness = rng.uniform() * 0.5;
    World world;
    world.device_stops = rng.uniform() * wildness;
    world.server_stops = rng.uniform() * wildness;
    world.lost_word = rng.uniform() * wildness;
    world.failing_step = rng.uniform() * wildness;
    if (rng.below(3) == 0) world.idle_device = 0.5 + rng.uniform() * 0.45;
    world.rotten_backup = rng.uniform() * wildness;
    world.is_image_bad = rng.below(5) == 0;
    world.is_other_bad = rng.below(5) == 0;
    world.loss = static_cast<Loss>(rng.below(3));
    world.needs_conversion = rng.below(3) == 0;
    world.reports_first = rng.below(2) == 0;
    world.has_slots_of_both = rng.below(2) == 0;
    return world;
}

Policy draw_policy(const World& world, bool applies_at_once, Rng& rng) {
    Policy policy;
    policy.backup = rng.below(2) == 0 ? Backup::require : Backup::by_device;
    policy.restore = rng.below(2) == 0 ? Restore::always : Restore::if_lost;
    policy.converts = world.needs_conversion;
    policy.applies_at_once = applies_at_once;
    policy.tries = static_cast<std::uint16_t>(1 + rng.below(3));
    for (auto& rule : policy.rules) rule.asks = rng.below(4) == 0;
    policy.rule(Step::transfer).limit = std::chrono::minutes(20);
    return policy;
}

class Voyage {
public:
    using Make = std::unique_ptr<Southbound> (*)(const Parts&);

    Voyage(std::uint64_t seed, Make make, bool applies_at_once)
        : rng_(mix64(seed)),
          world_(draw_world(rng_)),
          policy_(draw_policy(world_, applies_at_once, rng_)),
          box_(world_, rng_, mix64(seed + 1)),
          keeper_(policy_, mix64(seed + 2)),
          southbound_(make({world_, rng_, box_, keeper_, policy_})) {}

    int stops() const { return stops_; }
    End end() const { return keeper_.record().end; }
    bool has_chosen() const { return keeper_.image() == Image::other; }

    // What went wrong, or nothing.
    std::string play() {
        revive_device();
        revive_server();
        for (int turn = 0; turn < 5'000 && wrong_.empty() && !keeper_.is_over(); ++turn) {
            if (box_.is_down()) revive_device();
            if (keeper_.disk.is_off()) revive_server();
            if (!wrong_.empty() || keeper_.is_over()) break;
            step();
        }
        if (!wrong_.empty()) return wrong_;
        if (box_.is_down()) revive_device();
        if (!wrong_.empty()) return wrong_;
        if (!keeper_.is_over()) return "it never ends";
        if (end() == End::done && !box_.runs(keeper_.image()))
            return "done, and runs another image";
        return fault_of_end(keeper_.record().end, box_.runs_new(), box_.has_its_settings());
    }

private:
    void step() {
        now_ = now_ + std::chrono::seconds(1 + rng_.below(300));
        // What the device has in hand goes on while people think.
        if (keeper_.record().question != Step::end && rng_.below(3) == 0) return answer_question();
        if (!keeper_.open() && keeper_.next_deadline() != Instant::never())
            now_ = std::max(now_, keeper_.next_deadline());
        set_stops();
        southbound_->turn(now_);
        if (!keeper_.disk.is_off() && !keeper_.is_over()) (void)keeper_.handle(Tick{}, now_);
    }

    void answer_question() {
        const auto at = keeper_.record().question;
        if (takes_image(at) && rng_.below(3) == 0) {
            keeper_.choose(Image::other);
            return (void)keeper_.handle(Corrected{at}, now_);
        }
        const bool may_decline = !is_rolling_back(at);
        if (may_decline && rng_.below(3) == 0) return (void)keeper_.handle(Declined{at}, now_);
        if (may_decline && rng_.below(8) == 0) return (void)keeper_.handle(CalledOff{}, now_);
        (void)keeper_.handle(Accepted{at}, now_);
    }

    void set_stops() {
        if (rng_.uniform() < world_.device_stops) stop_device_soon();
        if (rng_.uniform() < world_.server_stops) stop(keeper_.disk, "", 12);
    }
    void stop_device_soon() {
        struct Place {
            const char* part;
            std::uint64_t calls;
        };
        constexpr std::array<Place, 6> kPlaces{{{"", 40},
                                                {"", 12},
                                                {"boot.state", 6},
                                                {".img", 6},
                                                {"/configuration", 12},
                                                {"/etc", 4}}};
        const auto& place = kPlaces[rng_.below(kPlaces.size())];
        is_cut_ = stop(box_.disk, place.part, place.calls);
    }
    bool stop(agent::disk::FaultyDisk& disk, const char* part, std::uint64_t within) {
        const bool is_cut = rng_.below(4) != 0;
        const auto n = 1 + rng_.below(within);
        if (is_cut)
            disk.cut_power_at(n, part);
        else
            disk.kill_process_at(n, part);
        return is_cut;
    }

    void revive_device() {
        for (int life = 0; life < 200; ++life) {
            stops_ += box_.disk.is_off() ? 1 : 0;
            box_.stopped(is_cut_);
            box_.disk.come_back();
            if (wrong_ = box_.judge(); !wrong_.empty()) return;
            is_cut_ = true;
            if (rng_.uniform() < world_.device_stops) stop_device_soon();
            if (box_.start() && southbound_->device_started() && !box_.is_down()) return;
        }
        wrong_ = "the device never comes up";
    }
    void revive_server() {
        for (int life = 0; life < 200; ++life) {
            stops_ += keeper_.disk.is_off() ? 1 : 0;
            keeper_.disk.come_back();
            if (rng_.uniform() < world_.server_stops) stop(keeper_.disk, "", 6);
            if (keeper_.start(now_) && !keeper_.disk.is_off()) return southbound_->server_started();
        }
        wrong_ = "the server never comes up";
    }

    Rng rng_;
    World world_;
    Policy policy_;
    Box box_;
    Keeper keeper_;
    std::unique_ptr<Southbound> southbound_;
    bool is_cut_ = true;
    int stops_ = 0;  // of either
    Instant now_{std::chrono::hours(1)};
    std::string wrong_;
};

// Sanitizers look at the code, not at the odds.
#if defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t kRuns = 1'000;
#else
constexpr std::uint64_t kRuns = 10'000;
#endif

void play_many(Voyage::Make make, bool applies_at_once) {
    const auto first = number_from("SLUICE_UPGRADE_SEED", 1);
    const auto runs = number_from("SLUICE_UPGRADE_RUNS", kRuns);
    std::map<End, std::uint64_t> ends, ends_of_other;
    std::uint64_t stops = 0;
    for (auto seed = first; seed < first + runs; ++seed) {
        Voyage voyage(seed, make, applies_at_once);
        ASSERT_EQ(voyage.play(), "")
            << "again: SLUICE_UPGRADE_SEED=" << seed << " SLUICE_UPGRADE_RUNS=1";
        ++ends[voyage.end()];
        if (voyage.has_chosen()) ++ends_of_other[voyage.end()];
        stops += static_cast<std::uint64_t>(voyage.stops());
    }
    if (runs < 1000) return;
    EXPECT_GT(stops, runs) << "hardly anything was cut";
    for (const auto end : {End::done, End::unchanged, End::rolled_back})
        EXPECT_GT(ends[end], runs / 20) << name_of(end);
    for (const auto end : {End::done, End::rolled_back})
        EXPECT_GT(ends_of_other[end], runs / 500) << name_of(end);
}

TEST(SafeUpgradeOverSnmp, LosesNoDeviceAndNoConfigurationWhereverThePowerIsCut) {
    play_many(over_snmp, false);
}

TEST(SafeUpgradeOverCwmp, LosesNoDeviceAndNoConfigurationWhereverThePowerIsCut) {
    play_many(over_cwmp, true);
}

}  // namespace
}  // namespace sluice::upgrade
