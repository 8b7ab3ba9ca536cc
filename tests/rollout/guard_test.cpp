// A safe rollout: no order to install before the device is prepared, and no verdict but the one of
// whoever prepared it.

#include "tests/rollout/field.hpp"

namespace sluice::rollout {
namespace {

Field a_safe_field(std::uint32_t halting = 0) {
    Policy p;
    p.is_safe = true;
    p.max_attempts = 1;
    p.error.verification_count = halting;
    return Field(p);
}

TEST(Guard, HoldsTheOrderToInstallUntilTheDeviceIsPrepared) {
    auto f = a_safe_field();
    const auto agent = f.add(0);
    EXPECT_FALSE(f.session(agent));
    EXPECT_EQ(f.count<Prepare>(), 1);
    EXPECT_FALSE(f.session(agent));
    EXPECT_EQ(f.count<Prepare>(), 0) << "said once";
    f.on(Prepared{agent});
    const auto order = f.session(agent);
    ASSERT_TRUE(order);
    EXPECT_EQ(order->kind, OrderKind::upgrade);
}

TEST(Guard, LetsStagingGoOn) {
    auto f = a_safe_field();
    const auto master = f.add(0);
    f.add(0);
    const auto order = f.session(master);
    ASSERT_TRUE(order);
    EXPECT_EQ(order->kind, OrderKind::stage);
    f.transferred(master);
    EXPECT_EQ(f.state(master), "staged");
    f.pass(hours(1));
    EXPECT_FALSE(f.session(master));
    f.on(Prepared{master});
    EXPECT_TRUE(f.session(master));
}

TEST(Guard, TakesNoReportAndNoFaultForAVerdict) {
    auto f = a_safe_field();
    const auto agent = f.add(0);
    f.session(agent);
    f.on(Prepared{agent});
    f.session(agent);
    f.transferred(agent, 9010);
    ASSERT_TRUE(f.said<Attempted>());
    EXPECT_EQ(f.said<Attempted>()->fault, 9010u);
    f.pass(hours(24 * 30));
    EXPECT_FALSE(f.session(agent)) << "not prepared again";
    f.on(Prepared{agent});
    ASSERT_TRUE(f.session(agent)) << "whatever max_attempts says";
    f.transferred(agent);
    EXPECT_EQ(f.said<Attempted>()->fault, 0u);
    f.contact(agent, true);
    EXPECT_EQ(f.state(agent), "trial");
    f.contact(agent, false, true, true);
    EXPECT_EQ(f.state(agent), "trial") << "that it went back is judged elsewhere, too";
    f.pass(hours(24 * 30));
    EXPECT_EQ(f.state(agent), "trial");
    f.on(Concluded{agent});
    EXPECT_EQ(f.state(agent), "done");
    EXPECT_EQ(f.count<Finished>(), 1);
}

TEST(Guard, FailsWithTheReasonOfWhoeverPrepared) {
    auto f = a_safe_field();
    const auto a = f.add(0), b = f.add(1);
    f.session(a);
    f.on(Concluded{a, Reason::unchanged, false});
    EXPECT_EQ(f.state(a), "failed");
    EXPECT_EQ(f.rollout.record(a).reason, Reason::unchanged);
    f.session(b);
    f.on(Prepared{b});
    f.session(b);
    f.on(Concluded{b, Reason::rolled_back, true});
    EXPECT_TRUE(f.rollout.record(b).is_alarming);
    f.on(Retry{});
    EXPECT_FALSE(f.session(b));
    EXPECT_EQ(f.count<Prepare>(), 1) << "from the beginning";
}

TEST(Guard, TakesAnOrderBackThatIsOut) {
    auto f = a_safe_field();
    const auto agent = f.add(0);
    f.session(agent);
    f.on(Prepared{agent});
    f.session(agent);
    f.on(Retracted{agent});
    f.contact(agent);
    f.on(OrderWanted{agent});
    EXPECT_EQ(f.count<GiveCancel>(), 1);
    f.on(OrderTaken{agent});
    EXPECT_FALSE(f.session(agent));
}

// Lost with its session: the device never had it.
TEST(Guard, GivesNoOrderAgainThatWasRetractedAndThatTheDeviceNeverHad) {
    auto f = a_safe_field();
    const auto agent = f.add(0);
    f.session(agent);
    f.on(Prepared{agent});
    ASSERT_TRUE(f.session(agent, false));
    f.on(Retracted{agent});
    EXPECT_FALSE(f.session(agent));
    ASSERT_EQ(f.count<GiveCancel>(), 1);
    f.on(OrderRefused{agent, 9021});
    EXPECT_FALSE(f.ask(agent));
    EXPECT_FALSE(f.session(agent));
}

TEST(Guard, TakesTheOrderBeforeBackWhereOneIsGivenOnceMore) {
    auto f = a_safe_field();
    const auto agent = f.add(0);
    f.session(agent);
    f.on(Prepared{agent});
    const auto first = f.session(agent);
    f.on(Prepared{agent});  // the first took too long
    EXPECT_FALSE(f.session(agent));
    EXPECT_EQ(f.count<GiveCancel>(), 1);
    f.on(OrderTaken{agent});
    const auto second = f.session(agent);
    ASSERT_TRUE(first && second);
    EXPECT_GT(second->order, first->order);
}

// The answer to the cancel before was lost: the device has nothing any more, and says so.
TEST(Guard, GivesTheOrderAgainWithItsKeyWhereItsCancelIsRefused) {
    auto f = a_safe_field();
    const auto agent = f.add(0);
    f.session(agent);
    f.on(Prepared{agent});
    const auto first = f.session(agent);
    f.on(Prepared{agent});
    f.contact(agent);
    f.on(OrderWanted{agent});
    ASSERT_EQ(f.count<GiveCancel>(), 1);
    f.on(OrderRefused{agent, 9021});
    const auto again = f.ask(agent);
    ASSERT_TRUE(first && again);
    EXPECT_EQ(again->order, first->order) << "who has it still does it once";
    EXPECT_FALSE(f.rollout.record(agent).is_late) << "nothing was halted";
    f.transferred(agent);
    EXPECT_FALSE(f.rollout.record(agent).is_late);
}

TEST(Guard, GivesAnOrderAgainThatAHaltTookBackOrNotWhenItIsResumed) {
    auto f = a_safe_field(1);
    const auto agent = f.add(0), other = f.add(1);
    f.session(agent);
    f.on(Prepared{agent});
    const auto first = f.session(agent);
    f.session(other);
    f.on(Concluded{other, Reason::rolled_back, true});
    ASSERT_EQ(f.state(agent), "cancelling") << "halted";
    f.on(Resume{});
    const auto again = f.session(agent);
    ASSERT_TRUE(first && again);
    EXPECT_EQ(again->order, first->order);
}

TEST(Guard, TakesBackWhatWasRetractedAlsoAfterAHaltIsResumed) {
    auto f = a_safe_field(1);
    const auto agent = f.add(0), other = f.add(1);
    f.session(agent);
    f.on(Prepared{agent});
    f.session(agent);
    f.on(Retracted{agent});
    f.session(other);
    f.on(Concluded{other, Reason::rolled_back, true});
    ASSERT_TRUE(f.said<Halted>());
    f.on(Resume{});
    f.contact(agent);
    f.on(OrderWanted{agent});
    EXPECT_EQ(f.count<GiveCancel>(), 1);
}

TEST(Guard, CountsADeviceWithAnotherImageForNoWaveAndNoProof) {
    Policy p;
    p.is_safe = true;
    p.waves = {WavePolicy{}, WavePolicy{}};
    Field f(p);
    Enrolment canary, later;
    later.wave = WaveNumber{1};
    later.site = SiteNumber{1};
    canary.kind = DeviceKind::plain;
    const auto first = f.add(canary), second = f.add(later);
    f.session(first);
    f.on(Prepared{first});
    f.session(first);
    f.on(Concluded{first, Reason::other_image, false});
    EXPECT_EQ(f.state(first), "skipped");
    EXPECT_EQ(f.rollout.record(first).reason, Reason::other_image);
    EXPECT_NE(f.rollout.record(first).proof, Proof::passed);
    EXPECT_TRUE(f.said<Halted>()) << "nobody of the wave has shown anything";
    f.session(second);
    EXPECT_EQ(f.count<Prepare>(), 0);
}

TEST(Guard, IsAlarmedByWhatItsImageDidBeforeAnotherWasChosen) {
    auto f = a_safe_field(1);
    const auto calm = f.add(0), unwell = f.add(1);
    f.add(2);
    f.session(calm);
    f.on(Concluded{calm, Reason::other_image, false});
    EXPECT_FALSE(f.said<Halted>());
    f.session(unwell);
    f.on(Concluded{unwell, Reason::other_image, true});
    EXPECT_TRUE(f.said<Halted>());
}

TEST(Guard, TakesNoOrderThatWasDoneAllTheSameForACancel) {
    auto f = a_safe_field();
    const auto agent = f.add(0);
    f.session(agent);
    f.on(Prepared{agent});
    f.session(agent);
    f.on(Retracted{agent});
    f.transferred(agent);
    EXPECT_EQ(f.state(agent), "rebooting");
    f.on(Concluded{agent, Reason::rolled_back, false});
    EXPECT_EQ(f.state(agent), "failed") << "as whoever prepared it says";
}

}  // namespace
}  // namespace sluice::rollout
