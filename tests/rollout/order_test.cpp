// What a device is told, and what its answers mean.

#include "tests/rollout/field.hpp"

namespace sluice::rollout {
namespace {

TEST(Order, IsGivenAgainWithItsNumberUntilItIsAnswered) {
    Field f;
    const auto agent = f.add(0);
    const auto first = f.session(agent, false);
    ASSERT_TRUE(first);
    EXPECT_EQ(f.ask(agent, false).value().order, first->order);
    EXPECT_EQ(f.session(agent, true).value().order, first->order);
    EXPECT_FALSE(f.ask(agent));
    EXPECT_FALSE(f.session(agent));
    EXPECT_EQ(f.rollout.record(agent).attempts, 1u);
}

TEST(Order, IsGivenAgainToAPlainCpeInTheSameSessionOnly) {
    Field f;
    const auto plain = f.add(0, DeviceKind::plain);
    const auto first = f.session(plain, false);
    ASSERT_TRUE(first);
    EXPECT_EQ(f.ask(plain, false).value().order, first->order);
    EXPECT_FALSE(f.session(plain));
    f.pass(hours(1));
    EXPECT_EQ(f.session(plain).value().order, first->order);
    EXPECT_EQ(f.rollout.record(plain).attempts, 2u);
}

TEST(Order, ThatNobodyAnsweredEndsInAVerdict) {
    Policy p;
    p.max_attempts = 2;
    Field f(p);
    const auto agent = f.add(0);
    for (int i = 0; i < 2; ++i) {
        EXPECT_TRUE(f.session(agent));
        f.pass(hours(1));
    }
    EXPECT_FALSE(f.session(agent));
    EXPECT_EQ(f.state(agent), "failed");
    EXPECT_EQ(f.rollout.record(agent).reason, Reason::no_word);
}

TEST(Verdict, ComesOnceAndThenTheRolloutIsFinished) {
    Field f;
    const auto a = f.add(0), b = f.add(1);
    f.upgrade(a);
    EXPECT_EQ(f.count<Finished>(), 0);
    f.upgrade(b);
    EXPECT_EQ(f.count<Finished>(), 1);
    f.contact(b, true);
    EXPECT_EQ(f.count<Finished>(), 0);
    EXPECT_TRUE(f.rollout.is_over());
}

TEST(Verdict, OnASilentDeviceIsNotGivenBeforeTheCommitTimeout) {
    Field f;
    const auto agent = f.add(0);
    f.session(agent);
    f.transferred(agent);
    EXPECT_EQ(f.state(agent), "rebooting");
    f.pass(hours(24));
    EXPECT_EQ(f.state(agent), "rebooting");
    f.pass(hours(2));
    EXPECT_EQ(f.state(agent), "failed");
    EXPECT_EQ(f.rollout.record(agent).reason, Reason::silent);
    f.contact(agent, true);
    EXPECT_EQ(f.state(agent), "done");
}

TEST(Verdict, OnADeviceThatIsNotHealthyWaitsForTheCommitTimeout) {
    Field f;
    const auto agent = f.add(0);
    f.session(agent);
    f.contact(agent, true, false);
    EXPECT_EQ(f.state(agent), "trial");
    f.pass(hours(23));
    f.contact(agent, true, false);
    EXPECT_EQ(f.state(agent), "trial");
    f.pass(hours(1));
    EXPECT_EQ(f.state(agent), "failed");
    EXPECT_EQ(f.rollout.record(agent).reason, Reason::unhealthy);
}

TEST(Verdict, OnADeviceThatNeverCameIsSkipped) {
    Field f;
    const auto agent = f.add(0);
    f.pass(hours(24 * 7) - minutes(1));
    EXPECT_EQ(f.state(agent), "waiting");
    f.pass(minutes(1));
    EXPECT_EQ(f.state(agent), "skipped");
    EXPECT_EQ(f.rollout.record(agent).reason, Reason::not_seen);
}

TEST(Boot, IntoTheOldVersionCountsAfterTheOrderHoweverOftenTheSessionReports) {
    Field f;
    const auto plain = f.add(0, DeviceKind::plain);
    f.contact(plain, false, true, true);  // its boot is older than the order
    f.ask(plain);
    f.transferred(plain);
    f.on(OrderWanted{plain});
    EXPECT_EQ(f.state(plain), "rebooting");
    f.pass(minutes(2));
    f.contact(plain, false, true, true);
    f.contact(plain);  // the parameters that were asked for
    f.on(OrderWanted{plain});
    EXPECT_EQ(f.state(plain), "retrying");
    EXPECT_EQ(f.rollout.record(plain).reason, Reason::not_applied);
}

TEST(Boot, AndThenAFaultThatIsNoTransfersIsAnAgentsFallBackAndFinal) {
    for (const bool has_booted : {false, true}) {
        Field f;
        const auto agent = f.add(0);
        f.session(agent);
        f.pass(minutes(5));
        f.contact(agent, false, true, has_booted);
        f.transferred(agent, 9010);
        EXPECT_EQ(f.state(agent), has_booted ? "failed" : "retrying");
        EXPECT_EQ(f.rollout.record(agent).fault, 9010u);
    }
}

TEST(TransferComplete, OfAnOlderOrderOfAnAgentIsNoNewWord) {
    Field f;
    const auto master = f.add(0), slave = f.add(0);
    f.session(master);
    f.on(Transferred{master, 1, 0});
    f.upgrade(slave);
    f.session(master);
    ASSERT_EQ(f.state(master), "activating");
    f.on(Transferred{master, 1, 0});  // the stage's, delivered twice
    EXPECT_EQ(f.state(master), "activating");
    f.on(Transferred{master, 2, 0});
    EXPECT_EQ(f.state(master), "rebooting");
}

}  // namespace
}  // namespace sluice::rollout
