// Steps, thresholds, halts, windows, and places at the origin: what an operator trusts a rollout
// with.

#include "tests/rollout/field.hpp"

namespace sluice::rollout {
namespace {

using testing::SizeIs;

Policy two_waves(std::uint32_t success = 100, Duration soak = {}) {
    Policy p;
    p.waves = {{success, 0, soak}, {100, 0, {}}};
    return p;
}

struct Steps : Field {
    std::vector<Member> first, second;

    Steps(const Policy& policy, int in_first, int in_second) : Field(policy) {
        rollout.start(now);
        std::uint32_t site = 0;
        for (int i = 0; i < in_first + in_second; ++i) {
            Enrolment who;
            who.site = SiteNumber{site++};
            who.wave = WaveNumber{static_cast<std::uint8_t>(i < in_first ? 0 : 1)};
            (i < in_first ? first : second).push_back(add(who));
        }
        on(Tick{});
    }
    void fail(Member m, std::uint32_t fault) {
        session(m);
        transferred(m, fault);
    }
};

TEST(Waves, OpenTheNextWhenEnoughAreDoneAndTheSoakIsOver) {
    Steps s(two_waves(50, hours(1)), 4, 1);
    EXPECT_FALSE(s.session(s.second[0]));
    s.upgrade(s.first[0]);
    s.pass(hours(5));
    EXPECT_FALSE(s.session(s.second[0])) << "25 % of 50";
    s.upgrade(s.first[1]);
    s.pass(minutes(59));
    EXPECT_FALSE(s.session(s.second[0])) << "the soak";
    s.pass(minutes(1));
    EXPECT_TRUE(s.session(s.second[0]));
}

TEST(Waves, CountNobodyWhoNeverCame) {
    Steps s(two_waves(100), 2, 1);
    s.upgrade(s.first[0]);
    s.pass(hours(24 * 7));
    EXPECT_EQ(s.state(s.first[1]), "skipped");
    EXPECT_TRUE(s.session(s.second[0]));
}

TEST(Waves, HaltTheRolloutWhenTheLastVerdictCameWithoutSuccess) {
    auto policy = two_waves(100);
    policy.max_attempts = 1;
    Steps s(policy, 2, 1);
    s.upgrade(s.first[0]);
    s.fail(s.first[1], 9010);
    const auto halted = s.said<Halted>();
    ASSERT_TRUE(halted);
    EXPECT_EQ(halted->cause, HaltCause::missed);
    s.on(Resume{});
    s.on(Tick{});
    EXPECT_TRUE(s.session(s.second[0])) << "the operator's word stands for it";
}

TEST(Waves, WaitForMembersThatAreExpected) {
    Steps s(two_waves(100), 1, 1);
    s.rollout.expect(WaveNumber{0}, 1);
    s.upgrade(s.first[0]);
    EXPECT_FALSE(s.session(s.second[0]));
    s.rollout.expect(WaveNumber{0}, -1);
    s.on(Tick{});
    EXPECT_TRUE(s.session(s.second[0]));
}

// Each row: faults in order of devices (0: done), and what halts after the last of them.
TEST(Thresholds, HaltByWeightAndCauseAndNothingElse) {
    struct Case {
        const char* what;
        std::uint32_t percent;
        ErrorPolicy error;
        std::vector<std::uint32_t> faults;
        HaltCause cause;
    };
    const Case cases[] = {
        {"off", 0, {}, {9010, 9010, 9010}, HaltCause::none},
        {"under the percentage", 50, {1, 0, 0, {}}, {0, 0, 9010}, HaltCause::none},
        {"at the percentage", 50, {1, 0, 0, {}}, {0, 9010}, HaltCause::percent},
        {"too few of them", 50, {3, 0, 0, {}}, {9010, 9010}, HaltCause::none},
        {"enough of them", 50, {3, 0, 0, {}}, {9010, 9010, 9010}, HaltCause::percent},
        {"by count", 0, {1, 2, 0, {}}, {9010, 0, 9016}, HaltCause::count},
        {"a fault that weighs nothing", 0, {1, 1, 0, {{9015, 0}}}, {9015, 9015}, HaltCause::none},
        {"a fault that weighs two", 0, {1, 2, 0, {{9010, 2}}}, {9010}, HaltCause::count},
        {"a signature", 0, {3, 0, 1, {}}, {9019}, HaltCause::verification},
        {"two digests of two", 0, {3, 0, 2, {}}, {9018, 9018}, HaltCause::verification},
        {"one digest of two", 0, {3, 0, 2, {}}, {9018, 0}, HaltCause::none},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.what);
        Policy policy;
        policy.max_attempts = 1;
        policy.waves = {{100, c.percent, {}}};
        policy.error = c.error;
        Steps s(policy, 10, 0);
        auto cause = HaltCause::none;
        for (std::size_t i = 0; i < c.faults.size(); ++i) {
            if (c.faults[i] == 0)
                s.upgrade(s.first[i]);
            else
                s.fail(s.first[i], c.faults[i]);
            if (const auto halted = s.said<Halted>()) cause = halted->cause;
        }
        EXPECT_EQ(cause, c.cause);
        EXPECT_EQ(s.rollout.is_halted(), c.cause != HaltCause::none);
    }
}

TEST(Thresholds, LetADigestWeighAtItsFirstAttempt) {
    Policy policy;
    policy.error.verification_count = 1;
    Steps s(policy, 2, 0);
    s.fail(s.first[0], 9018);
    EXPECT_EQ(s.state(s.first[0]), "retrying");
    EXPECT_TRUE(s.rollout.is_halted());
}

TEST(Halt, GivesNothingMoreAndTakesBackWhatIsOut) {
    Policy policy;
    policy.error.verification_count = 1;
    Steps s(policy, 5, 0);
    const auto unheard = s.session(s.first[0], false);  // handed out, not acknowledged
    ASSERT_TRUE(unheard);
    ASSERT_TRUE(s.session(s.first[1]));
    EXPECT_TRUE(s.rollout.stands(s.first[0], unheard->order, false));
    s.fail(s.first[2], 9019);
    ASSERT_TRUE(s.rollout.is_halted());
    EXPECT_FALSE(s.rollout.stands(s.first[0], unheard->order, false));
    for (const auto m : {s.first[0], s.first[1], s.first[3]}) {
        EXPECT_FALSE(s.session(m, false));
        EXPECT_EQ(s.count<GiveCancel>(), m == s.first[3] ? 0 : 1);
    }
    s.on(OrderTaken{s.first[0], false});  // dropped
    EXPECT_EQ(s.state(s.first[0]), "due") << "for when it goes on";
    EXPECT_EQ(s.rollout.record(s.first[0]).attempts, 0u);
    s.on(OrderRefused{s.first[1], 9021});  // too late: it goes on, and is counted
    EXPECT_EQ(s.state(s.first[1]), "fetching");
    EXPECT_EQ(s.rollout.waves().tally(WaveNumber{}).late, 1u);
    s.transferred(s.first[1]);
    s.contact(s.first[1], true);
    EXPECT_EQ(s.state(s.first[1]), "done");
    EXPECT_EQ(s.rollout.waves().tally(WaveNumber{}).late, 1u);
    s.on(Resume{});
    s.on(Tick{});
    EXPECT_TRUE(s.session(s.first[3])) << "what counted is forgiven";
}

TEST(Halt, OfADeviceThatNeverHeardOfItEndsWithTheResume) {
    Policy policy;
    policy.error.verification_count = 1;
    Steps s(policy, 3, 0);
    const auto order = s.session(s.first[0]);
    s.fail(s.first[1], 9019);
    EXPECT_EQ(s.state(s.first[0]), "cancelling");
    s.on(Resume{});
    EXPECT_EQ(s.state(s.first[0]), "fetching");
    s.on(Transferred{s.first[0], order->order, 0});
    EXPECT_EQ(s.state(s.first[0]), "rebooting");
    EXPECT_FALSE(s.rollout.record(s.first[0]).is_late);
}

TEST(Retry, StartsTheFailedAnewAndOnlyThem) {
    Policy policy;
    policy.max_attempts = 1;
    Steps s(policy, 2, 0);
    s.upgrade(s.first[0]);
    s.fail(s.first[1], 9010);
    EXPECT_TRUE(s.rollout.is_over());
    s.on(Retry{});
    EXPECT_EQ(s.state(s.first[1]), "waiting");
    EXPECT_EQ(s.state(s.first[0]), "done");
    s.upgrade(s.first[1]);
    EXPECT_EQ(s.count<Finished>(), 1);
}

// --- windows and jitter -------------------------------------------------------------------------

TEST(Windows, AreOpenByTheLocalClockAlsoInTheNightsOfSummerTime) {
    const auto berlin = PosixZone::parse("CET-1CEST,M3.5.0,M10.5.0/3").value();
    const auto at = [](std::int64_t s) { return Instant{seconds(s)}; };
    constexpr std::int64_t kDay = 86400, kMarch29 = 1'774'742'400;  // 2026, 00:00Z, a Sunday
    WindowClock clock({{0x7f, 120, 300}}, berlin);                  // 02:00 to 05:00
    EXPECT_EQ(clock.at_or_after(at(kMarch29 - kDay)),
              (Span{at(kMarch29 - kDay + 3600), at(kMarch29 - kDay + 4 * 3600)}));
    // 02:00 is skipped in that night; 05:00 is 03:00Z.
    EXPECT_EQ(clock.at_or_after(at(kMarch29)),
              (Span{at(kMarch29 + 3600), at(kMarch29 + 3 * 3600)}));
    WindowClock night({{1 << 6, 1380, 60}}, berlin);  // Saturday 23:00 to Sunday 01:00
    EXPECT_EQ(night.at_or_after(at(kMarch29 - 3600)).from, at(kMarch29 - 2 * 3600));
    EXPECT_EQ(night.at_or_after(at(kMarch29 + 3600)).from, at(kMarch29 + 7 * kDay - 3 * 3600));
}

TEST(Windows, LetNothingLeaveOutside) {
    Policy policy;
    policy.windows = {{0x7f, 120, 300}};
    Field f(policy);  // kStart is 16:00Z
    const auto m = f.add(0, DeviceKind::agent, false, true);
    f.on(Tick{});
    EXPECT_EQ(f.state(m), "waiting");
    EXPECT_FALSE(f.session(m));
    f.pass(hours(10));
    EXPECT_EQ(f.state(m), "due");
    const auto order = f.session(m, false);
    ASSERT_TRUE(order);
    f.pass(hours(3));
    EXPECT_FALSE(f.session(m)) << "not even again";
    f.pass(hours(21));
    EXPECT_EQ(f.session(m).value().order, order->order);
}

TEST(Jitter, GivesEachDeviceItsOwnPartAndTheSameAfterARestart) {
    Policy policy;
    policy.jitter = hours(1);
    Field f(policy);
    f.rollout.start(f.now);
    std::vector<Member> all;
    for (std::uint32_t i = 0; i < 64; ++i) {
        Enrolment who;
        who.site = SiteNumber{i};
        who.is_callable = true;
        who.key = (std::uint64_t{i} << 58) + i + 1;
        all.push_back(f.add(who));
    }
    const auto due = [&] {
        return std::count_if(all.begin(), all.end(), [&](Member m) { return f.state(m) == "due"; });
    };
    f.on(Tick{});
    EXPECT_EQ(due(), 1);
    f.pass(minutes(15));
    EXPECT_EQ(due(), 17);
    f.pass(minutes(45));
    EXPECT_EQ(due(), 64);
}

// --- the origin ---------------------------------------------------------------------------------

TEST(Origin, HasSoManyPlacesAndTheNextGetsOneWhenOneIsFree) {
    Policy policy;
    policy.max_origin_transfers = 2;
    Steps s(policy, 4, 0);
    EXPECT_TRUE(s.session(s.first[0]));
    EXPECT_TRUE(s.session(s.first[1]));
    EXPECT_FALSE(s.session(s.first[2]));
    EXPECT_EQ(s.rollout.origin_transfers(), 2u);
    s.transferred(s.first[0]);
    EXPECT_TRUE(s.session(s.first[2]));
    EXPECT_FALSE(s.session(s.first[3]));
}

TEST(Origin, GivesNothingToASiteThatIsHeld) {
    Field f;
    const auto m = f.add(0);
    f.on(Held{SiteNumber{0}, true});
    EXPECT_FALSE(f.session(m));
    f.on(Held{SiteNumber{0}, false});
    EXPECT_TRUE(f.session(m));
}

// --- who takes part -----------------------------------------------------------------------------

TEST(Members, MoveToAnotherSiteWhileNothingWasBegun) {
    Field f;
    const auto master = f.add(0), slave = f.add(0), other = f.add(1);
    EXPECT_FALSE(f.session(slave));
    ASSERT_TRUE(f.rollout.move(master, SiteNumber{1}, 2));
    f.on(Tick{});
    EXPECT_THAT(f.rollout.members(SiteNumber{0}), SizeIs(1));
    EXPECT_TRUE(f.session(slave)) << "it waits for nobody who is gone";
    EXPECT_FALSE(f.rollout.move(slave, SiteNumber{1}, 2)) << "it has an order";
    EXPECT_TRUE(f.session(other) || f.session(master));
}

TEST(Members, ThatAreForgottenKeepNobodyWaiting) {
    Field f;
    const auto a = f.add(0), b = f.add(1);
    f.upgrade(a);
    f.rollout.forget(b);
    f.on(Tick{});
    EXPECT_EQ(f.count<Finished>(), 1);
    EXPECT_EQ(f.rollout.waves().tally(WaveNumber{}).size(), 1u);
}

TEST(Members, OfAnotherRolloutsTurnWaitAndAreNotWaitedFor) {
    Field f;
    const auto master = f.add(0), slave = f.add(0);
    f.on(Blocked{master, true});
    EXPECT_FALSE(f.session(master));
    EXPECT_TRUE(f.session(slave));
    f.on(Blocked{master, false});
    EXPECT_TRUE(f.session(master));
    EXPECT_EQ(f.state(slave), "fetching");
}

}  // namespace
}  // namespace sluice::rollout
