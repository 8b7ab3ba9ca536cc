// Who may go, and whom it takes from.

#include "tests/rollout/field.hpp"

namespace sluice::rollout {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Permits, AreForSitesThatCanBeCalledAtOnceAndForOthersWhenADeviceComes) {
    Field f;
    const auto callable = f.add(0, DeviceKind::agent, false, true);
    const auto shy = f.add(1);
    f.on(Tick{});
    EXPECT_EQ(f.state(callable), "due");
    EXPECT_EQ(f.state(shy), "waiting");
    EXPECT_TRUE(f.session(shy));
    EXPECT_EQ(f.state(shy), "fetching");
}

TEST(Permits, GoToTheNextSiteWhenAllOfOneHaveTheirVerdicts) {
    Policy p;
    p.max_sites_at_once = 1;
    Field f(p);
    const auto a = f.add(0), b = f.add(1);
    EXPECT_TRUE(f.session(a));
    EXPECT_FALSE(f.session(b));
    f.transferred(a);
    f.contact(a, true);
    EXPECT_EQ(f.state(a), "done");
    EXPECT_TRUE(f.session(b));
}

TEST(Permits, ComeBackFromASiteThatSleepsAndAreAskedForAgain) {
    Policy p;
    p.max_sites_at_once = 1;
    Field f(p);
    f.add(0);
    const auto slave = f.add(0), other = f.add(1);
    EXPECT_FALSE(f.session(slave));
    EXPECT_FALSE(f.session(other));
    f.pass(minutes(61));
    EXPECT_EQ(f.rollout.permits_out(), 0u);
    EXPECT_TRUE(f.session(other));
    EXPECT_EQ(f.rollout.permits_out(), 1u);
}

TEST(Slave, WaitsUntilOneOfItsSourcesHasAnOrder) {
    Field f;
    const auto master = f.add(0), slave = f.add(0), last = f.add(0);
    EXPECT_FALSE(f.session(last));
    EXPECT_FALSE(f.session(slave));
    const auto order = f.session(master);
    ASSERT_TRUE(order);
    EXPECT_EQ(order->kind, OrderKind::stage);
    EXPECT_EQ(f.session(last).value().kind, OrderKind::upgrade);
    EXPECT_THAT(f.rollout.sources(last, f.now), ElementsAre(master, slave));
}

TEST(Slave, IsServedByAnotherWhenItsMasterFailed) {
    Policy p;
    p.max_attempts = 1;
    Field f(p);
    const auto master = f.add(0), slave = f.add(0), last = f.add(0);
    f.session(master);
    f.transferred(master, 9016);
    EXPECT_EQ(f.state(master), "failed");
    EXPECT_EQ(f.state(slave), "due");  // goes to the origin in its place
    EXPECT_EQ(f.state(last), "waiting");
    EXPECT_TRUE(f.session(slave));
    EXPECT_THAT(f.rollout.sources(slave, f.now), IsEmpty());
    EXPECT_TRUE(f.session(last));
    EXPECT_THAT(f.rollout.sources(last, f.now), ElementsAre(slave));
}

TEST(Slave, OfAMasterThatIsNotHeardOfGoesInItsPlaceAfterADayAndOnlyOneDoes) {
    Field f;
    const auto master = f.add(0), one = f.add(0), two = f.add(0);
    EXPECT_FALSE(f.session(two));
    f.pass(hours(24));
    EXPECT_FALSE(f.session(two));
    EXPECT_FALSE(f.session(one));
    f.pass(hours(2));
    EXPECT_TRUE(f.session(one));
    EXPECT_THAT(f.rollout.sources(one, f.now), IsEmpty());
    EXPECT_TRUE(f.session(two));
    EXPECT_THAT(f.rollout.sources(two, f.now), ElementsAre(one));
    // Back again, it takes from who has it.
    EXPECT_TRUE(f.session(master));
    EXPECT_THAT(f.rollout.sources(master, f.now), ElementsAre(one));
}

TEST(Master, InstallsWhenItsSlavesHaveItOrTheDrainIsOver) {
    Field f;
    const auto master = f.add(0), slave = f.add(0), away = f.add(0);
    f.session(master);
    f.transferred(master);
    EXPECT_EQ(f.state(master), "staged");
    f.upgrade(slave);
    EXPECT_FALSE(f.session(master));
    f.pass(minutes(29));
    EXPECT_FALSE(f.session(master));
    f.pass(minutes(1));
    EXPECT_EQ(f.session(master).value().kind, OrderKind::upgrade);
    EXPECT_EQ(f.rollout.record(master).attempts, 1u);
    f.upgrade(away);  // it serves after its own upgrade too
    EXPECT_EQ(f.state(away), "done");
}

TEST(Gateway, InstallsLastAndWaitsForNobodyWhoSleeps) {
    Field f;
    const auto master = f.add(0), gateway = f.add(0, DeviceKind::agent, true), away = f.add(0);
    f.session(master);
    f.transferred(master);
    EXPECT_EQ(f.session(gateway).value().kind, OrderKind::stage);
    f.transferred(gateway);
    f.pass(minutes(31));
    f.session(master);  // told to install
    EXPECT_FALSE(f.session(gateway));
    f.transferred(master);
    EXPECT_FALSE(f.session(gateway));  // it reboots
    f.contact(master, true);
    EXPECT_TRUE(f.session(gateway));
    EXPECT_EQ(f.state(away), "due");
}

TEST(PlainGateway, IsOrderedAfterEverybodyElseHasInstalled) {
    Field f;
    const auto master = f.add(0), gateway = f.add(0, DeviceKind::plain, true);
    f.session(master);
    f.transferred(master);
    EXPECT_FALSE(f.session(gateway));
    ASSERT_TRUE(f.session(master));
    f.transferred(master);
    EXPECT_FALSE(f.session(gateway));
    f.contact(master, true);
    EXPECT_TRUE(f.session(gateway));
    EXPECT_EQ(f.rollout.record(gateway).server, master);
}

}  // namespace
}  // namespace sluice::rollout
