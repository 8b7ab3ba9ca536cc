// Safe upgrades and their operators: questions, answers, rollouts that are paused or cancelled, and
// servers that are started otherwise.

#include <gmock/gmock.h>

#include "tests/acs/upgrade/upgrade_rig.hpp"

namespace sluice::upgrade::acs {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kAlways = R"({"backup": "require", "restore": "always"})";

constexpr const char* kAsks =
    R"({"restore": "always", "tries": 1, "steps": {"restore": {"attempts": 1, "asks": true}}})";

// Whoever trims backups is not to take what such an upgrade needs when its terms are back.
TEST(SafeRollout, NeedsTheBackupsOfAnUpgradeWhoseTermsCannotBeRead) {
    Rig rig(R"({"backup": "require"})");
    rig.box.is_stuck = true;
    rig.start();
    rig.run(3);
    const auto backup = rig.vault.held.at(1).row;
    Surroundings around;
    around.wall_time = [&] { return rig.now; };
    Upgrades later(std::move(around));
    for (const auto& [key, row] : rig.rows)
        if (const auto* upgrade = std::get_if<service::UpgradeRow>(&row)) {
            ASSERT_FALSE(upgrade->is_over);
            ASSERT_TRUE(later.restore(*upgrade, nullptr).has_value());
        }
    EXPECT_TRUE(later.needs(backup));
    later.forget(backup.identity);
    EXPECT_FALSE(later.needs(backup));
}

TEST(SafeRollout, AsksWhereTheRuleSaysSo) {
    Rig rig(kAsks);
    rig.box.refused_restores = 1;
    rig.start();
    rig.run();
    EXPECT_EQ(rig.view().record.question, Step::restore);
    EXPECT_THAT(rig.view().detail, HasSubstr("no configuration"));
    EXPECT_THAT(rig.upgrades().upgrades({rig.rollout, true, "", 10}), ::testing::SizeIs(1));
    EXPECT_THAT(rig.events,
                Contains(::testing::Field(&service::EventRow::kind, "upgrade.question")));

    EXPECT_FALSE(rig.answer({Answer::Kind::accept, Step::verify, {}}).has_value())
        << "that was not the question";
    EXPECT_TRUE(rig.answer({Answer::Kind::accept, Step::restore, {}}).has_value());
    EXPECT_FALSE(rig.answer({Answer::Kind::accept, std::nullopt, {}}).has_value())
        << "nothing is asked any more";
    rig.run();
    EXPECT_EQ(rig.state(), "done");
    const auto& answered = rig.events.back();
    EXPECT_THAT(rig.events, Contains(::testing::Field(&service::EventRow::who, "ann")))
        << answered.kind;
}

TEST(SafeRollout, RestoresWhatTheOperatorEdited) {
    Rig rig(kAsks);
    rig.box.refused_restores = 1;
    rig.start();
    rig.run();
    const auto edited = as_bytes("ssid=edited\n");
    ASSERT_TRUE(
        rig.answer({Answer::Kind::correct, {}, Bytes(edited.begin(), edited.end())}).has_value());
    rig.restart();
    rig.run();
    EXPECT_EQ(rig.state(), "done");
    EXPECT_EQ(rig.box.configuration, "ssid=edited\n");
}

TEST(SafeRollout, GoesBackWhereTheOperatorDeclines) {
    Rig rig(kAsks);
    rig.box.refused_restores = 1;
    rig.box.loses_configuration = true;
    rig.start();
    rig.run();
    ASSERT_TRUE(rig.answer({Answer::Kind::decline, {}, {}}).has_value());
    rig.run();
    EXPECT_EQ(rig.state(), "failed");
    EXPECT_EQ(rig.box.version(), "1.0");
    EXPECT_EQ(rig.box.configuration, "ssid=home\nkey=secret\n");
    EXPECT_THAT(rig.why(), HasSubstr("declined"));
}

TEST(SafeRollout, CancelledBeforeTheInstallTouchesNothing) {
    Rig rig(kAlways);
    rig.vault.reads_later = true;
    rig.start();
    rig.session();  // read, upload
    rig.session();  // its word; the backup is being read
    service::Changes out;
    ASSERT_TRUE(rig.planner().cancel(rig.rollout, service::Act(rig.now), out).has_value());
    rig.changes = out;
    rig.keep();
    rig.run();
    EXPECT_EQ(rig.state(), "cancelled");
    EXPECT_THAT(rig.box.told, ElementsAre("upload"));
    EXPECT_EQ(rig.view().record.end, End::unchanged);
}

TEST(SafeRollout, CancelledAfterTheInstallStillGivesTheConfigurationBack) {
    Rig rig(kAlways);
    rig.box.loses_configuration = true;
    rig.start();
    for (int i = 0; i < 10 && rig.view().record.step < Step::verify; ++i) rig.run(1);
    EXPECT_EQ(rig.box.version(), "2.0");
    service::Changes out;
    ASSERT_TRUE(rig.planner().cancel(rig.rollout, service::Act(rig.now), out).has_value());
    rig.changes = out;
    rig.keep();
    for (int i = 0; i < 10; ++i) rig.run(1);
    EXPECT_EQ(rig.box.configuration, "ssid=home\nkey=secret\n");
    EXPECT_EQ(rig.view().record.end, End::done);
    EXPECT_EQ(rig.state(), "done") << "it has the image after all";
}

TEST(SafeRollout, CancelledWhileTheImageIsOnItsWayGoesBack) {
    Rig rig(kAlways);
    rig.start();
    for (int i = 0; i < 10 && rig.box.version() != "2.0"; ++i) rig.run(1);
    EXPECT_EQ(rig.view().record.step, Step::transfer) << "it has not come with the new one yet";
    service::Changes out;
    ASSERT_TRUE(rig.planner().cancel(rig.rollout, service::Act(rig.now), out).has_value());
    rig.changes = out;
    rig.keep();
    for (int i = 0; i < 10; ++i) rig.run(1);
    EXPECT_EQ(rig.box.version(), "1.0");
    EXPECT_EQ(rig.box.configuration, "ssid=home\nkey=secret\n");
    EXPECT_EQ(rig.view().record.end, End::rolled_back);
}

// Its rollout leaves memory, and it with it, but not before it is over.
TEST(SafeRollout, KeepsItsRolloutFromSettlingUntilItIsOver) {
    Rig rig(kAlways);
    rig.box.loses_configuration = true;
    rig.start();
    for (int i = 0; i < 10 && rig.view().record.step < Step::verify; ++i) rig.run(1);
    service::Changes out;
    ASSERT_TRUE(rig.planner().set_policy(R"({"settle_after_s":60})", rig.now, out).has_value());
    ASSERT_TRUE(rig.planner().cancel(rig.rollout, service::Act(rig.now), out).has_value());
    rig.changes = out;
    rig.keep();
    rig.pass(std::chrono::minutes(10));
    EXPECT_FALSE(rig.planner().is_settled(rig.rollout));
    EXPECT_FALSE(rig.view().identity.empty());

    for (int i = 0; i < 10; ++i) rig.run(1);
    EXPECT_EQ(rig.box.configuration, "ssid=home\nkey=secret\n");
    rig.pass(std::chrono::hours(2));

    ASSERT_TRUE(rig.planner().is_settled(rig.rollout));
    EXPECT_TRUE(rig.view().identity.empty());
    rig.restart();
    EXPECT_TRUE(rig.planner().is_settled(rig.rollout));
    EXPECT_TRUE(rig.view().identity.empty());
}

TEST(SafeRollout, KeepsTheDeviceFromAnotherRolloutUntilItIsOver) {
    Rig rig(kAlways);
    rig.box.loses_configuration = true;
    rig.start();
    for (int i = 0; i < 10 && rig.view().record.step < Step::verify; ++i) rig.run(1);
    service::Changes out;
    ASSERT_TRUE(rig.planner().cancel(rig.rollout, service::Act(rig.now), out).has_value());
    const auto image = service::bench::an_image("3.1");
    ASSERT_TRUE(rig.planner().publish(image, out).has_value());
    service::RolloutSpec spec;
    spec.image = image.id;
    spec.name = "next";
    spec.safe = kAlways;
    ASSERT_TRUE(rig.planner().start_rollout(spec, rig.now, out).has_value());
    rig.changes = out;
    rig.keep();
    for (int i = 0; i < 10; ++i) rig.run(1);
    UpgradeQuery of_the_first;
    of_the_first.rollout = rig.rollout;
    const auto first = rig.upgrades().upgrades(of_the_first);
    ASSERT_EQ(first.size(), 1u);
    EXPECT_EQ(first.front().record.end, End::done) << "its restore was not forgotten";
    EXPECT_EQ(rig.box.configuration, "ssid=home\nkey=secret\n");
}

TEST(SafeRollout, OutlivesAServerThatWasStartedWithoutKeys) {
    Rig rig(kAlways);
    rig.start();
    for (int i = 0; i < 10 && rig.box.told.empty(); ++i) rig.session();
    ASSERT_THAT(rig.box.told, ElementsAre("upload"));
    rig.has_vault = false;
    rig.restart();
    rig.run();
    EXPECT_EQ(rig.view().record.end, End::unchanged);
    EXPECT_EQ(rig.box.version(), "1.0");
}

TEST(SafeRollout, TellsTheLockerWhichOrdersAreOpenAndWhichBackupsAreNeeded) {
    Rig rig(kAlways);
    rig.start();
    const auto& who = rig.box.cpe.identity();
    const auto& all = rig.upgrades();
    EXPECT_FALSE(all.is_open(who, rig.rollout, 1));
    rig.session();  // read, upload
    const auto backup = rig.vault.held.at(1).row;
    EXPECT_TRUE(all.is_open(who, rig.rollout, backup.number));
    EXPECT_FALSE(all.is_open(who, rig.rollout, backup.number + 1));
    EXPECT_FALSE(all.is_open(who, "another", backup.number));
    EXPECT_FALSE(all.is_open("another", rig.rollout, backup.number));
    EXPECT_TRUE(all.needs(backup));
    rig.restart();
    EXPECT_TRUE(rig.upgrades().is_open(who, rig.rollout, backup.number));
    EXPECT_TRUE(rig.upgrades().needs(backup));
    rig.session();  // its word
    EXPECT_FALSE(rig.upgrades().is_open(who, rig.rollout, backup.number)) << "that one is over";
    rig.run();
    EXPECT_FALSE(rig.upgrades().needs(backup));
    rig.upgrades().restore_backup(backup.id, "ann", [](const Result<void>&) {});
    EXPECT_TRUE(rig.upgrades().needs(backup)) << "of another rollout, by its number";
    EXPECT_TRUE(
        rig.upgrades().is_open(who, "", static_cast<std::uint32_t>(rig.now.unix_ms / 1000 + 1)));
    ASSERT_TRUE(rig.planner().erase(who, service::Act(rig.now), rig.changes).has_value());
    rig.upgrades().forget(who);
    EXPECT_FALSE(rig.upgrades().needs(backup));
}

TEST(SafeRollout, GivesNothingNewWhileItIsPaused) {
    Rig rig(kAlways);
    rig.start();
    rig.session();  // read, upload
    service::Changes out;
    ASSERT_TRUE(rig.planner().pause(rig.rollout, service::Act(rig.now), out).has_value());
    for (int i = 0; i < 5; ++i) rig.session();
    EXPECT_THAT(rig.box.told, ElementsAre("upload"));
    ASSERT_TRUE(rig.planner().resume(rig.rollout, service::Act(rig.now), out).has_value());
    rig.run();
    EXPECT_EQ(rig.state(), "done");
}

// Before more devices meet the image; the device's own next try is the operator's to allow.
TEST(SafeRollout, HaltsAtTheFirstFallBackAndTriesAgainOnceResumed) {
    Rig rig(R"({"backup": "require", "restore": "always", "tries": 2})");
    rig.box.falls_back = true;
    rig.start();
    rig.run(20);
    const auto state = [&] { return rig.planner().rollout(rig.rollout)->row.state; };
    EXPECT_EQ(state(), service::RolloutState::halted);
    EXPECT_EQ(rig.view().record.tries, 2);
    EXPECT_EQ(rig.view().record.step, Step::transfer);
    EXPECT_EQ(std::count(rig.box.told.begin(), rig.box.told.end(), "upgrade"), 1) << "it waits";
    rig.box.falls_back = false;
    ASSERT_TRUE(rig.planner().resume(rig.rollout, service::Act(rig.now), rig.changes).has_value());
    rig.keep();
    rig.run();
    EXPECT_EQ(rig.state(), "done");
    EXPECT_EQ(rig.box.version(), "2.0");
}

TEST(SafeRollout, IsRefusedWhereItCannotBeRun) {
    Rig rig(R"({"converts": true})");
    rig.start();
    ASSERT_TRUE(rig.start_error.has_value());
    EXPECT_THAT(*rig.start_error, HasSubstr("--conversions"));
}

}  // namespace
}  // namespace sluice::upgrade::acs
