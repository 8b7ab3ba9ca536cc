// What the operator's words do to a rollout, and a restart.

#include "tests/rollout/field.hpp"

namespace sluice::rollout {
namespace {

using testing::IsEmpty;

TEST(Pause, GivesNothingAndResumeSaysAgainWhoIsDue) {
    Field f;
    const auto agent = f.add(0, DeviceKind::agent, false, true);
    f.on(Tick{});
    EXPECT_EQ(f.count<Due>(), 1);
    f.on(Pause{});
    EXPECT_FALSE(f.rollout.wants_contact(agent, f.now));
    EXPECT_FALSE(f.session(agent));
    f.on(Resume{});
    f.on(Tick{});
    EXPECT_EQ(f.count<Due>(), 1);
    EXPECT_TRUE(f.session(agent));
}

TEST(Cancel, TakesBackWhatAnAgentHasAndNothingElse) {
    Field f;
    const auto out = f.add(0), idle = f.add(1), plain = f.add(2, DeviceKind::plain);
    f.session(out);
    f.session(plain);
    f.on(Cancel{});
    EXPECT_EQ(f.state(out), "cancelling");
    EXPECT_EQ(f.state(idle), "cancelled");
    EXPECT_EQ(f.state(plain), "cancelled");
    f.contact(out);
    f.on(OrderWanted{out});
    ASSERT_EQ(f.count<GiveCancel>(), 1);
    f.on(OrderRefused{out, 9021});  // too late for it
    EXPECT_EQ(f.state(out), "cancelled");
    EXPECT_FALSE(f.session(idle));
    EXPECT_EQ(f.count<Finished>(), 0);
}

TEST(Restore, GoesOnWhereItStopped) {
    Field f;
    const auto master = f.add(0), slave = f.add(0);
    f.session(master);
    f.transferred(master);
    f.session(slave, false);
    Rollout again{Policy{}};
    for (const auto m : {master, slave})
        again.restore(f.rollout.enrolment(m), f.rollout.record(m), f.rollout.place(m));
    again.restore_wave(WaveNumber{}, f.rollout.waves().stand(WaveNumber{}));
    again.restore_run({});
    Actions out;
    again.on(Tick{}, f.now, out);
    EXPECT_THAT(out, IsEmpty());  // nothing is new
    again.on(Contacted{slave}, f.now, out);
    again.on(OrderWanted{slave}, f.now, out);
    const auto* order = std::get_if<GiveOrder>(&out.back());
    ASSERT_NE(order, nullptr);
    EXPECT_EQ(order->order, 1u);
    EXPECT_EQ(again.record(master).state, State::staged);
}

}  // namespace
}  // namespace sluice::rollout
