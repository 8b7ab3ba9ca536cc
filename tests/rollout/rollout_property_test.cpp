// Whatever devices do, and in whatever order: no device has two orders under two numbers, permits
// are never exceeded, nothing is ordered after pause or cancel, one device a site goes to the
// origin at a time, and every rollout ends. Seeds are printed.

#include <gtest/gtest.h>
#include <map>

#include "engine/base/rng.hpp"
#include "engine/rollout/rollout.hpp"

namespace sluice::rollout {
namespace {

using inventory::DeviceKind;
using std::chrono::hours;
using std::chrono::minutes;

struct Chaos {
    Rng rng;
    Policy policy;
    Rollout rollout;
    Instant now{hours(1'000'000)};
    // What devices have in hand: the number of an order that was given and not ended.
    std::map<Member, std::uint32_t> in_hand;
    std::map<Member, bool> is_dead;  // switched off for good
    bool is_stopped = false;         // paused or cancelled
    int finished = 0;

    static Policy policy_of(Rng& rng) {
        Policy p;
        p.max_sites_at_once = static_cast<std::uint32_t>(rng.below(4));
        p.max_attempts = 1 + static_cast<std::uint32_t>(rng.below(3));
        p.plain_canaries = static_cast<std::uint32_t>(rng.below(3));
        return p;
    }

    explicit Chaos(std::uint64_t seed) : rng(seed), policy(policy_of(rng)), rollout(policy) {
        const auto sites = 1 + rng.below(5);
        for (std::uint32_t site = 0; site < sites; ++site)
            for (auto n = 1 + rng.below(5); n > 0; --n) {
                Enrolment who;
                who.site = SiteNumber{site};
                who.kind = rng.below(4) == 0 ? DeviceKind::plain : DeviceKind::agent;
                who.is_gateway = rng.below(5) == 0;
                who.is_callable = rng.below(2) == 0;
                is_dead[rollout.enrol(who, now)] = rng.below(6) == 0;
            }
    }

    void plan(SiteNumber site) {
        std::vector<Member> servers;
        std::uint32_t rank = 0;
        for (const auto m : rollout.members(site)) {
            const bool is_agent = rollout.enrolment(m).kind == DeviceKind::agent;
            Place place;
            place.rank = rank++;
            place.planned = now;
            place.is_direct = rng.below(8) == 0 || (!is_agent && servers.empty());
            place.may_serve = is_agent && !place.is_direct && rng.below(5) != 0;
            place.is_staged = place.may_serve || (is_agent && rollout.enrolment(m).is_gateway);
            place.reserved_slots = 1;
            if (!place.is_direct) place.sources = servers;
            rollout.set_place(m, place);
            if (place.may_serve) servers.push_back(m);
        }
    }

    void on(const Event& event) {
        Actions out;
        rollout.on(event, now, out);
        for (std::size_t i = 0; i < out.size(); ++i) {
            if (const auto* a = std::get_if<PlanSite>(&out[i])) {
                const auto site = a->site;
                plan(site);
                rollout.on(Planned{site}, now, out);
            } else if (const auto* give = std::get_if<GiveOrder>(&out[i])) {
                take(*give);
            } else if (std::holds_alternative<Finished>(out[i])) {
                ++finished;
            }
        }
        if (policy.max_sites_at_once != 0) {
            ASSERT_LE(rollout.permits_out(), policy.max_sites_at_once);
        }
    }

    void take(const GiveOrder& give) {
        ASSERT_FALSE(is_stopped) << "ordered after pause or cancel";
        const auto m = give.member;
        ASSERT_LE(rollout.record(m).attempts, policy.max_attempts);
        if (give.kind == OrderKind::stage || rollout.record(m).state == State::ordered) {
            ASSERT_TRUE(rollout.has_permit(rollout.enrolment(m).site));
        }
        const auto held = in_hand.find(m);
        if (held != in_hand.end() && rollout.enrolment(m).kind == DeviceKind::agent) {
            ASSERT_EQ(held->second, give.order) << "two orders at the same time";
        }
        in_hand[m] = give.order;
    }

    void device(Member m) {
        if (is_dead[m]) return;
        Contacted said;
        said.member = m;
        said.has_target = rng.below(12) == 0;
        said.is_healthy = rng.below(4) != 0;
        said.is_boot = rng.below(4) == 0;
        said.is_at_work = rng.below(3) == 0;
        said.is_callable = rollout.enrolment(m).is_callable;
        on(said);
        const auto held = in_hand.find(m);
        if (held != in_hand.end() && rng.below(2) == 0) {
            const auto order = held->second;
            in_hand.erase(held);
            const std::uint32_t faults[] = {0, 0, 0, 0, 9010, 9015, 9017, 9019};
            on(Transferred{m, rng.below(5) == 0 ? 0 : order, faults[rng.below(8)]});
        }
        if (rng.below(6) == 0) return;  // the session is lost
        on(OrderWanted{m});
        switch (rng.below(8)) {
            case 0:
                return;  // and so is the answer
            case 1:
                in_hand.erase(m);
                return on(OrderRefused{m, 9004});
            case 2:
                in_hand.erase(m);
                return on(OrderTaken{m, true});
            default:
                on(OrderTaken{m, false});
        }
    }

    void step() {
        const Member m{static_cast<std::uint32_t>(rng.below(rollout.size()))};
        if (rng.below(20) == 0) on(Unreachable{m});
        device(m);
        const Duration pauses[] = {std::chrono::seconds(1), minutes(3), minutes(40), hours(5)};
        now = now + pauses[rng.below(4)];
        if (rollout.next_deadline() <= now) on(Tick{});
    }

    bool are_all_judged() const {
        for (std::uint32_t m = 0; m < rollout.size(); ++m)
            if (!is_final(rollout.record(Member{m}).state)) return false;
        return true;
    }
};

TEST(Rollout, EndsWhateverDevicesDoAndNeverOrdersTwice) {
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Chaos chaos(seed);
        for (int i = 0; i < 4000 && !chaos.are_all_judged(); ++i) {
            chaos.step();
            ASSERT_FALSE(testing::Test::HasFatalFailure());
        }
        ASSERT_TRUE(chaos.are_all_judged());
        EXPECT_EQ(chaos.finished, 1);
        EXPECT_EQ(chaos.rollout.permits_out(), 0u);
        EXPECT_TRUE(chaos.rollout.is_over());
    }
}

TEST(Rollout, EndsByTimeAloneWhenNobodyComesAnyMore) {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Chaos chaos(seed);
        for (int i = 0; i < static_cast<int>(seed % 40); ++i) chaos.step();
        for (int i = 0; i < 20'000 && !chaos.are_all_judged(); ++i) {
            const auto next = chaos.rollout.next_deadline();
            ASSERT_NE(next, Instant::never());
            chaos.now = std::max(chaos.now, next);
            chaos.on(Tick{});
        }
        EXPECT_TRUE(chaos.are_all_judged());
    }
}

TEST(Rollout, OrdersNothingWhilePausedOrAfterCancel) {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Chaos chaos(seed);
        for (int i = 0; i < 60; ++i) chaos.step();
        chaos.on(Pause{});
        chaos.is_stopped = true;
        for (int i = 0; i < 60; ++i) chaos.step();
        ASSERT_FALSE(testing::Test::HasFatalFailure());
        chaos.is_stopped = false;
        chaos.on(Resume{});
        for (int i = 0; i < 20; ++i) chaos.step();
        chaos.on(Cancel{});
        chaos.is_stopped = true;
        for (int i = 0; i < 60; ++i) chaos.step();
        ASSERT_FALSE(testing::Test::HasFatalFailure());
        EXPECT_EQ(chaos.rollout.next_deadline(), Instant::never());
    }
}

}  // namespace
}  // namespace sluice::rollout
