// The rules of one rollout, one at a time. Time is minutes since its start.

#include "engine/rollout/rollout.hpp"

#include <gmock/gmock.h>

namespace sluice::rollout {
namespace {

using inventory::DeviceKind;
using std::chrono::hours;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Instant kStart{std::chrono::hours(1'000'000)};

// Sites of devices, with the planner's part played by plan(): rank 0 takes from the origin, the
// others from rank 0 and then from their neighbours before them.
struct Field {
    Rollout rollout;
    Instant now = kStart;
    Actions last;
    std::uint32_t reserved_slots = 2;

    explicit Field(Policy policy = {}) : rollout(policy) {}

    Member add(std::uint32_t site, DeviceKind kind = DeviceKind::agent, bool is_gateway = false,
               bool is_callable = false) {
        Enrolment who;
        who.site = SiteNumber{site};
        who.kind = kind;
        who.is_gateway = is_gateway;
        who.is_callable = is_callable;
        return rollout.enrol(who, now);
    }

    void plan(SiteNumber site) {
        const auto members = rollout.members(site);
        for (std::uint32_t rank = 0; rank < members.size(); ++rank) {
            const auto& who = rollout.enrolment(members[rank]);
            const bool is_agent = who.kind == DeviceKind::agent;
            Place place;
            place.rank = rank;
            place.planned = now;
            place.may_serve = is_agent;
            place.is_staged = is_agent && (rank == 0 || who.is_gateway) && members.size() > 1;
            place.reserved_slots = rank == 0 ? reserved_slots : 0;
            for (std::uint32_t s = 0; s < (is_agent ? rank : std::min(rank, 1u)); ++s)
                place.sources.push_back(members[s]);
            rollout.set_place(members[rank], place);
        }
    }

    void on(const Event& event) {
        last.clear();
        rollout.on(event, now, last);
        for (std::size_t i = 0; i < last.size(); ++i)
            if (const auto* a = std::get_if<PlanSite>(&last[i])) {
                plan(a->site);
                rollout.on(Planned{a->site}, now, last);
            }
    }
    void pass(Duration time) {
        now = now + time;
        while (rollout.next_deadline() <= now) on(Tick{});
    }
    void contact(Member m, bool has_target = false, bool is_healthy = true, bool is_boot = false) {
        on(Contacted{m, has_target, is_healthy, is_boot, false, rollout.enrolment(m).is_callable});
    }
    // A session up to what it is told.
    std::optional<GiveOrder> session(Member m, bool is_taken = true) {
        contact(m);
        return ask(m, is_taken);
    }
    std::optional<GiveOrder> ask(Member m, bool is_taken = true) {
        on(OrderWanted{m});
        std::optional<GiveOrder> out;
        for (const auto& action : last)
            if (const auto* a = std::get_if<GiveOrder>(&action)) out = *a;
        if (out && is_taken) on(OrderTaken{m});
        return out;
    }
    void transferred(Member m, std::uint32_t fault = 0) {
        on(Transferred{m, rollout.record(m).orders, fault});
    }
    // Ordered, fetched, installed, reported.
    void upgrade(Member m) {
        session(m);
        transferred(m);
        contact(m, true);
    }
    std::string_view state(Member m) const { return name_of(rollout.record(m).state); }
    template <class What>
    int count() const {
        int n = 0;
        for (const auto& a : last) n += std::holds_alternative<What>(a) ? 1 : 0;
        return n;
    }
};

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

TEST(Pause, GivesNothingAndResumeSaysAgainWhoIsDue) {
    Field f;
    const auto agent = f.add(0, DeviceKind::agent, false, true);
    f.on(Tick{});
    EXPECT_EQ(f.count<Due>(), 1);
    f.on(Pause{});
    EXPECT_FALSE(f.rollout.wants_contact(agent, f.now));
    EXPECT_FALSE(f.session(agent));
    f.on(Resume{});
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
    again.restore_run(false, false);
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
