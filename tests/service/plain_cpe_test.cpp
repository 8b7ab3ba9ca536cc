// Plain CPEs: who of them may take from a master, and what real ones do with an order.

#include <gmock/gmock.h>

#include "tests/service/acs_bench.hpp"

namespace sluice::service {
namespace {

using namespace bench;
using std::chrono::hours;
using std::chrono::minutes;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr const char* kOrigin = "http://198.51.100.7:7548/p/";
constexpr const char* kMaster = "http://192.168.0.";

// One agent that holds the image and serves, and plain CPEs 10, 11, …
struct Home {
    Bench bench;
    ImageRow image;
    std::string rollout;
    Cpe* master = nullptr;
    std::vector<Cpe*> plain;

    explicit Home(int count, bool is_vendor_verified = true,
                  const std::function<void(RolloutSpec&)>& change = {})
        : image(an_image("2.0", is_vendor_verified)) {
        bench.publish(image);
        master = &bench.add(an_agent(1, "home"));
        for (int n = 10; n < 10 + count; ++n) plain.push_back(&bench.add(a_plain(n, "home")));
        rollout = bench.start(image.id, change);
        bench.session(*master);
    }
    void stage() {
        bench.finish(*master);
        bench.session(*master);
    }
    std::string state(const Cpe& cpe) { return bench.seat(rollout, cpe).state; }
};

TEST(PlainCpe, WaitsUntilItsMasterHoldsTheWholeImage) {
    Home home(1);
    home.bench.session(*home.plain[0]);
    EXPECT_THAT(home.plain[0]->orders, IsEmpty());
    home.stage();
    home.bench.session(*home.plain[0]);
    ASSERT_EQ(home.plain[0]->orders.size(), 1u);
    const auto& order = home.plain[0]->orders[0];
    EXPECT_THAT(order.url, StartsWith(kMaster));
    EXPECT_EQ(order.assignment_url, "");
    EXPECT_THAT(order.username, StartsWith("s1.r."));
    EXPECT_EQ(order.password.size(), 32u);
    EXPECT_EQ(home.bench.assignment(home.rollout, *home.master).serving.value().reserved_slots, 1u);
}

TEST(PlainCpe, TakesFromTheOriginWhenItsVendorDoesNotVerifyImages) {
    Home home(1, false);
    home.bench.session(*home.plain[0]);
    EXPECT_THAT(home.plain[0]->orders.at(0).url, StartsWith(kOrigin));
    EXPECT_TRUE(home.bench.planner()
                    .grant(home.bench.token(home.rollout, *home.plain[0]))
                    ->is_plain_canary);
}

TEST(PlainCpe, GoesOnlyAfterCanariesOfItsModelDidIt) {
    Home home(4, true, [](RolloutSpec& s) { s.plain_canaries = 1; });
    home.stage();
    for (auto* cpe : home.plain) home.bench.session(*cpe);
    EXPECT_EQ(home.state(*home.plain[0]), "fetching");
    EXPECT_EQ(home.state(*home.plain[1]), "waiting");
    EXPECT_EQ(home.state(*home.plain[2]), "waiting");
    home.bench.finish(*home.plain[0]);
    home.bench.session(*home.plain[0]);
    // Two reserved slots: two at a time.
    for (auto* cpe : home.plain) home.bench.session(*cpe);
    EXPECT_EQ(home.bench.states(home.rollout),
              "1 staged, 10 done, 11 fetching, 12 fetching, 13 waiting");
}

TEST(PlainCpe, IsOrderedAgainFromTheOriginAfterAFaultAndItsModelGoesThereAtThisSite) {
    Home home(3, true, [](RolloutSpec& s) { s.plain_canaries = 2; });
    home.stage();
    auto &first = *home.plain[0], &second = *home.plain[1], &third = *home.plain[2];
    home.bench.session(first);
    home.bench.fault(first, 9015, "no route to host");
    home.bench.session(first);
    EXPECT_EQ(home.state(first), "retrying");
    EXPECT_EQ(home.bench.seat(home.rollout, first).why, "fault 9015: no route to host");
    EXPECT_EQ(first.orders.size(), 1u);
    home.bench.pass(minutes(1));
    home.bench.session(first);
    ASSERT_EQ(first.orders.size(), 2u);
    EXPECT_THAT(first.orders[1].url, StartsWith(kOrigin));
    EXPECT_NE(first.orders[1].command_key, first.orders[0].command_key);
    home.bench.session(second);
    EXPECT_THAT(second.orders.at(0).url, StartsWith(kOrigin));
    home.bench.session(third);
    EXPECT_THAT(third.orders.at(0).url, StartsWith(kOrigin));
}

TEST(PlainCpe, FailsAfterItsAttempts) {
    Home home(1, true, [](RolloutSpec& s) { s.max_attempts = 2; });
    home.stage();
    auto& cpe = *home.plain[0];
    for (int i = 0; i < 2; ++i) {
        home.bench.session(cpe);
        home.bench.fault(cpe, 9010, "download failure");
        home.bench.session(cpe);
        home.bench.pass(minutes(5));
    }
    home.bench.session(cpe);
    EXPECT_EQ(cpe.orders.size(), 2u);
    EXPECT_EQ(home.state(cpe), "failed");
    EXPECT_EQ(home.bench.seat(home.rollout, cpe).why, "fault 9010: download failure");
}

// --- what real ones do --------------------------------------------------------------------------

struct Quirk : testing::Test {
    Home home{1};
    Cpe& cpe = *home.plain[0];
    std::string key;

    Quirk() {
        home.stage();
        home.bench.session(cpe);
        key = cpe.orders.at(0).command_key;
        cpe.transfer.reset();
    }
    std::string state() { return home.state(cpe); }
    void boots(const std::string& version) {
        home.bench.pass(minutes(2));
        cpe.report.software_version = version;
        cpe.is_boot = true;
    }
};

TEST_F(Quirk, TransferCompleteWithAnEmptyKeyCounts) {
    boots("2.0");
    cpe.pending.push_back({"", 0, ""});
    home.bench.session(cpe);
    EXPECT_EQ(state(), "done");
}

TEST_F(Quirk, TransferCompleteWithAnEmptyKeyAndAFaultCounts) {
    cpe.pending.push_back({"", 9010, "failed"});
    home.bench.session(cpe);
    EXPECT_EQ(state(), "retrying");
}

TEST_F(Quirk, NoTransferCompleteAtAllIsJudgedByTheVersion) {
    boots("2.0");
    home.bench.session(cpe);
    EXPECT_EQ(state(), "done");
    EXPECT_EQ(cpe.orders.size(), 1u);
}

TEST_F(Quirk, TransferCompleteBeforeTheRebootIsNoVerdictYet) {
    cpe.pending.push_back({key, 0, ""});
    home.bench.session(cpe);
    EXPECT_EQ(state(), "rebooting");
    home.bench.session(cpe);  // has not rebooted
    EXPECT_EQ(state(), "rebooting");
    boots("2.0");
    home.bench.session(cpe);
    EXPECT_EQ(state(), "done");
    EXPECT_EQ(cpe.orders.size(), 1u);
}

TEST_F(Quirk, RebootIntoTheOldVersionAfterASuccessIsAFailedAttempt) {
    cpe.pending.push_back({key, 0, ""});
    home.bench.session(cpe);
    boots("1.0");
    home.bench.session(cpe);
    EXPECT_EQ(state(), "retrying");
    EXPECT_THAT(home.bench.seat(home.rollout, cpe).why, HasSubstr("runs the old version"));
}

TEST_F(Quirk, FaultAndThenSuccessOfItsOwnRetryIsNotOrderedTwice) {
    cpe.pending.push_back({key, 9017, "incomplete"});
    home.bench.session(cpe);
    EXPECT_EQ(state(), "retrying");
    boots("2.0");
    cpe.pending.push_back({key, 0, ""});
    home.bench.session(cpe);
    EXPECT_EQ(state(), "done");
    EXPECT_EQ(cpe.orders.size(), 1u);
}

TEST_F(Quirk, FaultAndThenSuccessBeforeTheRebootIsNotOrderedTwice) {
    cpe.pending.push_back({key, 9017, "incomplete"});
    home.bench.session(cpe);
    cpe.pending.push_back({key, 0, ""});
    home.bench.session(cpe);
    EXPECT_EQ(state(), "rebooting");
    home.bench.pass(minutes(30));
    home.bench.session(cpe);
    EXPECT_EQ(cpe.orders.size(), 1u);
    boots("2.0");
    home.bench.session(cpe);
    EXPECT_EQ(state(), "done");
}

TEST_F(Quirk, StatusZeroMeansAppliedAtOnce) {
    Home other(1);
    other.stage();
    auto& one = *other.plain[0];
    one.answer = [](const DownloadOrder& order) {
        return OrderAnswer{order.command_key, true, 0, ""};
    };
    one.is_boot = true;  // of this session: says nothing about the order
    other.bench.session(one);
    EXPECT_EQ(other.state(one), "rebooting");
    one.report.software_version = "2.0";
    other.bench.session(one);
    EXPECT_EQ(other.state(one), "done");
}

TEST_F(Quirk, RefusalOfTheOrderIsAFaultWithItsReason) {
    Home other(1);
    other.stage();
    auto& one = *other.plain[0];
    one.answer = [](const DownloadOrder& order) {
        return OrderAnswer{order.command_key, false, 9000, "method not supported\r\n"};
    };
    other.bench.session(one);
    EXPECT_EQ(other.state(one), "retrying");  // from the origin it may take it
    other.bench.pass(minutes(1));
    other.bench.session(one);
    EXPECT_EQ(other.state(one), "failed");
    EXPECT_EQ(other.bench.seat(other.rollout, one).why, "fault 9000: method not supported  ");
}

TEST_F(Quirk, SilenceAfterTheOrderIsAskedAboutByItsVersionAndOrderedAgainOnlyAfterTheTimeout) {
    home.bench.pass(minutes(30));
    home.bench.session(cpe);  // lives, old version, may be at work
    EXPECT_EQ(state(), "fetching");
    EXPECT_EQ(cpe.orders.size(), 1u);
    home.bench.pass(minutes(31));
    home.bench.session(cpe);
    EXPECT_EQ(state(), "retrying");
    home.bench.pass(minutes(1));
    home.bench.session(cpe);
    ASSERT_EQ(cpe.orders.size(), 2u);
    EXPECT_NE(cpe.orders[1].command_key, key);
}

// The order was written down, and nobody knows whether it left.
TEST(PlainCpe, IsGivenAnUnansweredOrderAgainOnlyAfterTheTimeoutAndUnderTheSameKey) {
    Home home(1);
    home.stage();
    auto& cpe = *home.plain[0];
    const auto lost = home.bench.session_lost_at_order(cpe);
    ASSERT_TRUE(lost);
    const auto key = std::get<DownloadOrder>(*lost).command_key;
    home.bench.restart();
    home.bench.session(cpe);
    EXPECT_THAT(cpe.orders, IsEmpty());
    home.bench.pass(minutes(61));
    home.bench.session(cpe);
    ASSERT_EQ(cpe.orders.size(), 1u);
    EXPECT_EQ(cpe.orders[0].command_key, key);
}

TEST(PlainCpe, IsNotGivenAnUnansweredOrderAgainOnceItRunsTheNewVersion) {
    Home home(1);
    home.stage();
    auto& cpe = *home.plain[0];
    ASSERT_TRUE(home.bench.session_lost_at_order(cpe));
    home.bench.pass(hours(2));
    cpe.report.software_version = "2.0";
    home.bench.session(cpe);
    EXPECT_THAT(cpe.orders, IsEmpty());
    EXPECT_EQ(home.state(cpe), "done");
}

}  // namespace
}  // namespace sluice::service
