// What came of it: masters that fall back, devices that are silent, sources that are lost.

#include <gmock/gmock.h>

#include "tests/service/acs_bench.hpp"

namespace sluice::service {
namespace {

using namespace bench;
using std::chrono::hours;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

struct Home {
    Bench bench;
    ImageRow image = an_image("2.0");
    std::vector<Cpe*> cpes;
    std::string rollout;

    explicit Home(int agents, const std::function<void(RolloutSpec&)>& change = {}) {
        bench.publish(image);
        for (int n = 1; n <= agents; ++n) cpes.push_back(&bench.add(an_agent(n, "home")));
        rollout = bench.start(image.id, change);
    }
    std::string state(const Cpe& cpe) { return bench.seat(rollout, cpe).state; }
    // The master staged, the slaves done, the master told to install.
    void until_activation() {
        bench.session(*cpes[0]);
        bench.finish(*cpes[0]);
        bench.session(*cpes[0]);
        for (std::size_t i = 1; i < cpes.size(); ++i) {
            bench.session(*cpes[i]);
            bench.finish(*cpes[i]);
            bench.session(*cpes[i]);
        }
        bench.session(*cpes[0]);
    }
    std::vector<std::string> peers(const Cpe& cpe) {
        std::vector<std::string> out;
        for (const auto& s : bench.assignment(rollout, cpe).sources)
            if (s.kind == planning::SourceKind::peer) out.push_back(s.url);
        return out;
    }
};

TEST(Verdict, OfAMasterThatIsNotHealthyInTheNewImageIsFailedWithItsReason) {
    Home home(2);
    home.until_activation();
    auto& master = *home.cpes[0];
    ASSERT_EQ(master.orders.size(), 2u);
    // It runs the new image, is not well, and goes back by itself.
    master.report.software_version = "2.0";
    master.is_healthy = false;
    master.state = "Trial";
    master.is_boot = true;
    home.bench.session(master);
    EXPECT_EQ(home.state(master), "trial");
    master.report.software_version = "1.0";
    master.is_healthy = true;
    master.state = "Failed";
    master.is_boot = true;
    home.bench.fault(master, 9010, "the new image was not healthy: fell back");
    home.bench.session(master);
    EXPECT_EQ(home.state(master), "failed");
    EXPECT_THAT(home.bench.seat(home.rollout, master).why,
                HasSubstr("the new image was not healthy: fell back"));
    home.bench.pass(hours(1));
    home.bench.session(master);
    EXPECT_EQ(master.orders.size(), 2u);  // it would fall back again
    EXPECT_EQ(home.bench.planner().rollout(home.rollout)->row.state, RolloutState::finished);
}

TEST(Verdict, OfAMasterThatOnlySaysSoByItsFaultIsFailedToo) {
    Home home(2);
    home.until_activation();
    home.bench.pass(minutes(2));
    home.bench.fault(*home.cpes[0], 9010, "health check failed, fell back");
    home.cpes[0]->is_boot = true;
    home.bench.session(*home.cpes[0]);
    EXPECT_EQ(home.state(*home.cpes[0]), "failed");
    EXPECT_EQ(home.bench.seat(home.rollout, *home.cpes[0]).why,
              "fault 9010: health check failed, fell back");
}

TEST(Verdict, OfAMasterThatFellBackLeavesItsSlavesServed) {
    Home home(3);
    auto &master = *home.cpes[0], &late = *home.cpes[2];
    home.bench.session(master);
    home.bench.finish(master);
    home.bench.session(master);
    home.bench.session(*home.cpes[1]);
    home.bench.finish(*home.cpes[1]);
    home.bench.session(*home.cpes[1]);
    home.bench.pass(minutes(31));  // the third was away all the time: drained
    home.bench.session(master);
    home.bench.pass(minutes(2));
    master.is_boot = true;
    home.bench.fault(master, 9010, "fell back");
    home.bench.session(master);
    ASSERT_EQ(home.state(master), "failed");
    // An image that a device fell back from halts its rollout; the operator goes on.
    ASSERT_FALSE(home.bench.planner().rollout(home.rollout)->halt_reason.empty());
    home.bench.turn(&Planner::resume, home.rollout);
    // It still holds the verified image, and serves it.
    home.bench.session(late);
    ASSERT_EQ(late.orders.size(), 1u);
    EXPECT_THAT(home.peers(late), testing::Contains("http://192.168.0.2:7547"));
}

TEST(Verdict, OfSilenceWaitsForTheCommitTimeoutAndALaterReportPutsItRight) {
    Home home(2);
    home.until_activation();
    auto& master = *home.cpes[0];
    home.bench.pass(hours(1));  // the ACS was not reached
    EXPECT_EQ(home.state(master), "activating");
    home.bench.pass(hours(22));
    EXPECT_EQ(home.state(master), "activating");
    home.bench.pass(hours(3));
    EXPECT_EQ(home.state(master), "failed");
    EXPECT_THAT(home.bench.seat(home.rollout, master).why, StartsWith("not heard of"));
    home.bench.finish(master);
    home.bench.session(master);
    EXPECT_EQ(home.state(master), "done");
}

TEST(Verdict, OfADeviceThatReportsTheVersionAnHourLateIsDone) {
    Home home(2);
    home.until_activation();
    home.bench.finish(*home.cpes[0]);
    home.bench.pass(hours(1));
    home.bench.session(*home.cpes[0]);
    EXPECT_EQ(home.bench.states(home.rollout), "1 done, 2 done");
}

TEST(Verdict, OfATransferFaultIsAnotherAttemptUnderANewKeyAfterAPause) {
    Home home(2);
    auto& master = *home.cpes[0];
    home.bench.session(master);
    home.bench.fault(master, 9017, "stalled");
    home.bench.session(master);
    EXPECT_EQ(home.state(master), "retrying");
    EXPECT_EQ(master.orders.size(), 1u);
    home.bench.pass(minutes(1));
    home.bench.session(master);
    ASSERT_EQ(master.orders.size(), 2u);
    EXPECT_EQ(master.orders[1].kind, OrderKind::stage);
    EXPECT_NE(master.orders[1].command_key, master.orders[0].command_key);
    EXPECT_EQ(home.bench.seat(home.rollout, master).attempts, 2u);
}

TEST(Verdict, OfAnImageThatIsNotForItIsFinalAtOnce) {
    Home home(1);
    home.bench.session(*home.cpes[0]);
    home.bench.fault(*home.cpes[0], 9019, "Not accepted: expired");
    home.bench.session(*home.cpes[0]);
    EXPECT_EQ(home.state(*home.cpes[0]), "failed");
    EXPECT_EQ(home.bench.seat(home.rollout, *home.cpes[0]).why,
              "fault 9019: Not accepted: expired");
}

TEST(LostMaster, IsReplacedByAStandInWhichAloneGoesToTheOrigin) {
    Home home(4, [](RolloutSpec& s) { s.max_attempts = 1; });
    home.bench.session(*home.cpes[0]);
    home.bench.session(*home.cpes[1]);  // waits at its source
    EXPECT_THAT(home.peers(*home.cpes[1]), ElementsAre("http://192.168.0.2:7547"));
    home.bench.fault(*home.cpes[0], 9016, "404");
    home.bench.session(*home.cpes[0]);
    ASSERT_EQ(home.state(*home.cpes[0]), "failed");
    // Asked for again, its Assignment names nobody who is lost.
    EXPECT_THAT(home.peers(*home.cpes[1]), IsEmpty());
    home.bench.session(*home.cpes[2]);
    home.bench.session(*home.cpes[3]);
    EXPECT_THAT(home.peers(*home.cpes[2]),
                testing::Not(testing::Contains("http://192.168.0.2:7547")));
    EXPECT_THAT(home.peers(*home.cpes[2]), testing::Contains("http://192.168.0.3:7547"));
}

TEST(LostMaster, ThatIsNotReachedIsPassedOverAfterTheOrderTimeout) {
    Bench bench;
    const auto image = an_image("2.0");
    bench.publish(image);
    std::vector<Cpe*> cpes;
    for (int n = 1; n <= 3; ++n) {
        auto cpe = an_agent(n, "home");
        cpe.connection_url = "http://10.0.0.1/cr";
        cpes.push_back(&bench.add(std::move(cpe)));
    }
    const auto rollout = bench.start(image.id);
    const auto call_for = [&](int count) {
        for (int i = 0; i < count; ++i) {
            bench.call([&](Cpe& cpe) { return &cpe != cpes[0]; });
            bench.pass(minutes(1));
        }
    };
    call_for(50);
    EXPECT_EQ(bench.states(rollout), "1 due, 2 waiting, 3 waiting");
    call_for(20);
    EXPECT_EQ(bench.states(rollout), "1 due, 2 fetching, 3 fetching");
    EXPECT_THAT(cpes[1]->orders.at(0).url, StartsWith("http://198.51.100.7"));
    EXPECT_THAT(cpes[2]->orders.at(0).url, StartsWith("http://192.168.0.3:"));
    // It comes back, and takes from who has it.
    bench.session(*cpes[0]);
    EXPECT_THAT(cpes[0]->orders.at(0).url, StartsWith("http://192.168.0.3:"));
}

TEST(LostMaster, ThatItsSubscriberSwitchedOffIsReplacedByOneOtherDevice) {
    Home home(3);
    auto &master = *home.cpes[0], &one = *home.cpes[1], &two = *home.cpes[2];
    home.bench.session(master);
    home.bench.finish(master);
    home.bench.session(master);
    master.report.is_enabled = false;
    home.bench.session(master);
    home.bench.session(two);
    home.bench.session(one);
    home.bench.session(two);
    EXPECT_THAT(one.orders.at(0).url, StartsWith("http://198.51.100.7"));
    EXPECT_THAT(two.orders.at(0).url, StartsWith("http://192.168.0.3:"));
}

TEST(AgentOrder, ThatWasNotAnsweredIsGivenAgainWithItsKeyInTheNextSession) {
    Home home(1);
    auto& cpe = *home.cpes[0];
    const auto lost = home.bench.session_lost_at_order(cpe);
    ASSERT_TRUE(lost);
    home.bench.restart();
    home.bench.session(cpe);
    ASSERT_EQ(cpe.orders.size(), 1u);
    EXPECT_EQ(cpe.orders[0].command_key, std::get<DownloadOrder>(*lost).command_key);
}

TEST(AgentOrder, ThatIsCarriedOutIsNotGivenAgainWhileTheAgentSaysSo) {
    Home home(1);
    auto& cpe = *home.cpes[0];
    home.bench.session(cpe);
    cpe.state = "Fetching";
    for (int i = 0; i < 5; ++i) {
        home.bench.pass(hours(2));
        home.bench.session(cpe);
    }
    EXPECT_EQ(cpe.orders.size(), 1u);
    EXPECT_EQ(home.state(cpe), "fetching");
    cpe.state = "Idle";  // it lost it: a new flash, say
    cpe.transfer.reset();
    home.bench.session(cpe);
    ASSERT_EQ(cpe.orders.size(), 2u);
    EXPECT_EQ(cpe.orders[1].command_key, cpe.orders[0].command_key);
}

TEST(Gateway, InstallsAfterEverybodyElse) {
    Bench bench;
    const auto image = an_image("2.0");
    bench.publish(image);
    std::vector<Cpe*> cpes;
    for (int n = 1; n <= 4; ++n) {
        auto cpe = an_agent(n, "home");
        cpe.report.is_gateway = n == 4;  // a leaf by its CPU
        cpes.push_back(&bench.add(std::move(cpe)));
    }
    const auto rollout = bench.start(image.id);
    const auto install_of = [&](const Cpe& cpe) {
        for (std::size_t i = 0; i < bench.log.size(); ++i)
            if (bench.log[i].find(cpe.identity() + " upgrade") == 0) return i;
        return bench.log.size();
    };
    EXPECT_TRUE(bench.run_to_end(rollout)) << bench.states(rollout);
    for (int i = 0; i < 3; ++i) EXPECT_LT(install_of(*cpes[i]), install_of(*cpes[3]));
    EXPECT_EQ(cpes[3]->orders.at(0).kind, OrderKind::stage);
}

}  // namespace
}  // namespace sluice::service
