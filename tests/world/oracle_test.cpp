// Every oracle sees the breach it is there for, and keeps quiet about what is allowed. Told by
// hand: the machines themselves keep their promises.
#include "sim/world/oracle.hpp"

#include <gmock/gmock.h>

#include "sim/world/world.hpp"
#include "tests/world/sites.hpp"

namespace sluice::sim::world {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr SourceIndex kPeer{0};
constexpr SourceIndex kFromOrigin{1};

// Host 1 takes from host 0, then from the origin; nothing has happened yet.
class OraclesTold : public testing::Test {
protected:
    OraclesTold() : world(site(), {}) {}

    static SiteSpec site() {
        auto spec = site_of(8 * 16384, 16384, star(2));
        spec.hosts[1].assignment.budgets.origin_bytes = 2 * 16384;
        return spec;
    }
    const Host& slave() const { return world.host(HostIndex{1}); }
    static Instant at(double s) { return Instant{Duration(static_cast<Duration::rep>(s * 1e9))}; }
    static void boot(Oracle& oracle, const Host& host) { oracle.on_boot(host, {}); }
    void ask(Oracle& oracle, std::uint32_t id, SourceIndex source, std::uint32_t first,
             std::uint32_t count, Instant now = {}) {
        oracle.on_action(
            slave(), transfer::RequestRun{RequestId{id}, source, {PieceIndex{first}, count}}, now);
    }

    World world;
};

TEST_F(OraclesTold, SeeUnverifiedBytesOnTheirWayOut) {
    const auto oracle = make_verified_oracle(world);
    oracle->on_checked(slave(), PieceIndex{0}, true, {});
    oracle->on_checked(slave(), PieceIndex{1}, false, {});
    oracle->on_action(slave(), serving::Action{serving::Send{{}, 0, 16384}}, {});
    EXPECT_THAT(oracle->breach(), IsEmpty());
    oracle->on_action(slave(), serving::Action{serving::Send{{}, 16383, 2}}, {});
    EXPECT_THAT(oracle->breach(), HasSubstr("host 1 sends piece 1 unverified"));
}

TEST_F(OraclesTold, SeeAPieceServedThatPowerTook) {
    const auto oracle = make_verified_oracle(world);
    oracle->on_checked(slave(), PieceIndex{0}, true, {});
    oracle->on_lost(slave(), PieceIndex{0}, {});
    oracle->on_action(slave(), serving::Action{serving::Send{{}, 0, 1}}, {});
    EXPECT_THAT(oracle->breach(), HasSubstr("unverified"));
}

TEST_F(OraclesTold, SeeAnEndWithoutTheWholeImage) {
    const auto finished = make_verified_oracle(world);
    finished->on_action(slave(), transfer::Action{transfer::Finish{}}, {});
    EXPECT_THAT(finished->breach(), HasSubstr("finishes without all"));
    const auto installed = make_verified_oracle(world);
    installed->on_installed(slave(), {});
    EXPECT_THAT(installed->breach(), HasSubstr("installs without all"));
}

TEST_F(OraclesTold, SeeAQuestionToABannedSource) {
    const auto oracle = make_ban_oracle(world);
    oracle->on_fault({{}, FaultKind::serve_wrong, HostIndex{0}, 1}, {});
    boot(*oracle, slave());
    oracle->on_action(slave(), transfer::Action{transfer::BanSource{kPeer, {}}}, {});
    oracle->on_action(slave(), transfer::Action{transfer::AskHave{kFromOrigin, 0}}, {});
    EXPECT_THAT(oracle->breach(), IsEmpty());
    oracle->on_action(slave(), transfer::Action{transfer::AskHave{kPeer, 0}}, {});
    EXPECT_THAT(oracle->breach(), HasSubstr("asks source 0, which it banned"));
}

TEST_F(OraclesTold, SeeABanOfSomebodyWhoNeverLied) {
    const auto oracle = make_ban_oracle(world);
    oracle->on_action(slave(), transfer::Action{transfer::BanSource{kPeer, {}}}, {});
    EXPECT_THAT(oracle->breach(), HasSubstr("never lied"));
}

TEST_F(OraclesTold, SeeAProvenLieWithoutABan) {
    const auto oracle = make_ban_oracle(world);
    boot(*oracle, slave());
    ask(*oracle, 1, kPeer, 0, 4);
    oracle->on_event(slave(), transfer::Event{transfer::PieceRefused{RequestId{1}, {}}}, {});
    EXPECT_THAT(oracle->breach(), IsEmpty());
    oracle->on_event(slave(), transfer::Event{transfer::DeadlinePassed{}}, {});
    EXPECT_THAT(oracle->breach(), HasSubstr("did not ban source 0"));
}

TEST_F(OraclesTold, SeeABudgetOverdrawn) {
    const auto oracle = make_budget_oracle(world);
    boot(*oracle, slave());
    ask(*oracle, 1, kPeer, 0, 4);
    ask(*oracle, 2, kFromOrigin, 4, 3);
    oracle->on_event(slave(), transfer::Event{transfer::BytesArrived{RequestId{1}, 99999}}, {});
    oracle->on_event(slave(), transfer::Event{transfer::BytesArrived{RequestId{2}, 32768}}, {});
    EXPECT_THAT(oracle->breach(), IsEmpty());
    oracle->on_event(slave(), transfer::Event{transfer::BytesArrived{RequestId{2}, 1}}, {});
    EXPECT_THAT(oracle->breach(), HasSubstr("took 32769 bytes of the origin"));
}

TEST_F(OraclesTold, SeeAPieceAskedForTwiceBeforeTheTail) {
    const auto oracle = make_request_oracle(world);
    boot(*oracle, slave());
    ask(*oracle, 1, kPeer, 0, 4);
    ask(*oracle, 2, kPeer, 4, 2);
    EXPECT_THAT(oracle->breach(), IsEmpty());
    ask(*oracle, 3, kFromOrigin, 3, 1);
    EXPECT_THAT(oracle->breach(), HasSubstr("asks once more for piece 3"));
}

TEST_F(OraclesTold, LetAPieceBeAskedForAgainWhenItsRequestIsOver) {
    const auto oracle = make_request_oracle(world);
    boot(*oracle, slave());
    ask(*oracle, 1, kPeer, 0, 4);
    oracle->on_action(slave(), transfer::Action{transfer::CancelRequest{RequestId{1}, kPeer}}, {});
    ask(*oracle, 2, kFromOrigin, 0, 4);
    EXPECT_THAT(oracle->breach(), IsEmpty());
    ask(*oracle, 2, kFromOrigin, 4, 1);
    EXPECT_THAT(oracle->breach(), HasSubstr("uses a request id again"));
}

TEST_F(OraclesTold, SeeARunBeyondTheImage) {
    const auto oracle = make_request_oracle(world);
    ask(*oracle, 1, kPeer, 7, 2);
    EXPECT_THAT(oracle->breach(), HasSubstr("the image does not have"));
}

TEST_F(OraclesTold, SeeAStormOfQuestions) {
    const auto oracle = make_storm_oracle(world);
    boot(*oracle, slave());
    const auto poll = [&](double s) {
        oracle->on_action(slave(), transfer::Action{transfer::AskHave{kPeer, 0}}, at(s));
    };
    for (int i = 0; i < 1000; ++i) poll(i * 0.5);
    EXPECT_THAT(oracle->breach(), IsEmpty());
    boot(*oracle, slave());
    for (int i = 0; i < 100; ++i) poll(i * 0.001);
    EXPECT_THAT(oracle->breach(), HasSubstr("without a piece"));
}

}  // namespace
}  // namespace sluice::sim::world
