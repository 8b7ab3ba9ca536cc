// Flows A and B of R2 as the planner sees them: who is told what, when.

#include <gmock/gmock.h>

#include "engine/image/digest.hpp"
#include "engine/serving/credentials.hpp"
#include "tests/service/acs_bench.hpp"

namespace sluice::service {
namespace {

using namespace bench;
using testing::EndsWith;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::StartsWith;

// Agent 1 has the least CPU and is master, the others follow.
struct Home {
    Bench bench;
    ImageRow image = an_image("2.0");
    std::vector<Cpe*> cpes;

    explicit Home(int agents) {
        bench.publish(image);
        for (int n = 1; n <= agents; ++n) cpes.push_back(&bench.add(an_agent(n, "home")));
    }
};

TEST(FlowA, TellsTheMasterToStageFromTheOriginAndTheSlavesToTakeItFromTheMaster) {
    Home home(2);
    auto& [bench, image, cpes] = home;
    const auto rollout = bench.start(image.id);
    auto &master = *cpes[0], &slave = *cpes[1];

    bench.session(slave);  // its master has no order yet
    EXPECT_THAT(slave.orders, IsEmpty());
    bench.session(master);
    ASSERT_EQ(master.orders.size(), 1u);
    EXPECT_EQ(master.orders[0].kind, OrderKind::stage);
    EXPECT_THAT(master.orders[0].url,
                MatchesRegex("http://198\\.51\\.100\\.7:7548/p/[A-Za-z0-9_-]*/fw-2\\.0\\.bin"));
    EXPECT_LE(master.orders[0].url.size(), 200u);
    EXPECT_EQ(master.orders[0].assignment_url, "");
    EXPECT_EQ(master.orders[0].file_size, kImageLength);

    bench.session(slave);
    ASSERT_EQ(slave.orders.size(), 1u);
    EXPECT_EQ(slave.orders[0].kind, OrderKind::upgrade);
    EXPECT_EQ(slave.orders[0].url, "http://192.168.0.2:7547/v1/images/" + image.id + "/fw-2.0");
    EXPECT_LE(slave.orders[0].url.size(), 256u);
    EXPECT_THAT(slave.orders[0].assignment_url, StartsWith("http://198.51.100.7:7548/p/"));
    EXPECT_EQ(slave.orders[0].master_url, "");

    bench.finish(master);
    bench.session(master);
    EXPECT_EQ(bench.states(rollout), "1 staged, 2 fetching");
    bench.session(master);  // its slave is not done
    EXPECT_EQ(master.orders.size(), 1u);
    bench.finish(slave);
    bench.session(slave);
    EXPECT_EQ(bench.states(rollout), "1 staged, 2 done");
    bench.session(master);
    ASSERT_EQ(master.orders.size(), 2u);
    EXPECT_EQ(master.orders[1].kind, OrderKind::upgrade);
    EXPECT_NE(master.orders[1].command_key, master.orders[0].command_key);
    bench.finish(master);
    bench.session(master);
    EXPECT_EQ(bench.states(rollout), "1 done, 2 done");
    EXPECT_EQ(bench.planner().rollout(rollout)->row.state, RolloutState::finished);
    EXPECT_EQ(master.fetched + slave.fetched, 2);
}

TEST(FlowA, GivesTheSlaveAPasswordThatItsMasterCanCheckAlone) {
    Home home(2);
    auto& [bench, image, cpes] = home;
    const auto rollout = bench.start(image.id);
    bench.session(*cpes[0]);
    bench.session(*cpes[1]);
    const auto& order = cpes[1]->orders.at(0);
    const auto key =
        serving::key_from_hex(bench.assignment(rollout, *cpes[0]).serving.value().master_key_hex);
    const image::ImageId id{*image::Digest::from_hex(image.id)};
    EXPECT_TRUE(
        serving::check(*key, id, order.username, order.password, bench.now.utc()).has_value());
    const auto slave = bench.assignment(rollout, *cpes[1]);
    ASSERT_EQ(slave.sources.size(), 2u);
    EXPECT_EQ(slave.sources[0].url, "http://192.168.0.2:7547");
    EXPECT_EQ(slave.sources[0].password, order.password);
    EXPECT_EQ(slave.sources[1].kind, planning::SourceKind::origin);
    EXPECT_THAT(order.command_key, StartsWith(slave.short_id + "-"));
}

TEST(FlowB, SendsNoUrlButTheMastersInAParameter) {
    Home home(2);
    auto& [bench, image, cpes] = home;
    bench.start(image.id, [](RolloutSpec& s) { s.flow = Flow::b; });
    bench.session(*cpes[0]);
    bench.session(*cpes[1]);
    EXPECT_THAT(cpes[0]->orders.at(0).url, StartsWith("http://198.51.100.7"));
    const auto& order = cpes[1]->orders.at(0);
    EXPECT_EQ(order.url, "");
    EXPECT_EQ(order.username, "");
    EXPECT_EQ(order.master_url, "http://192.168.0.2:7547/v1/images/" + image.id + "/fw-2.0");
    EXPECT_THAT(order.assignment_url, EndsWith("/fw-2.0.bin"));
}

TEST(Rollouts, EndWithEveryDeviceOnTheNewVersionAndOneFetchEach) {
    Home home(12);
    auto& [bench, image, cpes] = home;
    bench.add(a_plain(20, "home"));
    bench.add(an_agent(30, "elsewhere"));
    bench.add(an_agent(31, ""));
    const auto rollout = bench.start(image.id);
    EXPECT_TRUE(bench.run_to_end(rollout)) << bench.states(rollout);
    for (auto* cpe : bench.all()) {
        EXPECT_EQ(cpe->report.software_version, "2.0") << cpe->identity();
        EXPECT_EQ(cpe->fetched, 1) << cpe->identity();
        EXPECT_EQ(cpe->installed, 1) << cpe->identity();
    }
}

}  // namespace
}  // namespace sluice::service
