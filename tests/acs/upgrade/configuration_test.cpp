// Configurations that are converted on their way back, and given back by hand.

#include <gmock/gmock.h>

#include "tests/acs/upgrade/upgrade_rig.hpp"

namespace sluice::upgrade::acs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<conversion::Conversion> conversions(const char* json) {
    return conversion::parse_conversions(json).value();
}

TEST(SafeRollout, ConvertsByRules) {
    Rig rig(
        R"({"restore": "always", "converts": true})",
        conversions(R"([{"from": "1.*", "to": "2.*", "rules": {"rename": {"ssid": "name"}}}])"));
    rig.start();
    rig.run();
    EXPECT_EQ(rig.state(), "done");
    EXPECT_EQ(rig.box.configuration, "name=home\nkey=secret\n");
}

TEST(SafeRollout, LetsTheDeviceConvert) {
    Rig rig(R"({"restore": "always", "converts": true})",
            conversions(R"([{"from": "*", "to": "*", "device_program": "convert"}])"));
    rig.box.program = "converted=yes\n";
    rig.restarts_between_calls = true;
    rig.start();
    rig.run(200);
    EXPECT_EQ(rig.state(), "done");
    EXPECT_THAT(rig.box.told,
                ElementsAre("upload", "upgrade", "convert", "upload converted", "restore"));
    EXPECT_EQ(rig.box.configuration, "ssid=home\nkey=secret\nconverted=yes\n");
    EXPECT_EQ(rig.box.program_name, "convert");
}

TEST(SafeRollout, RestoresNoEditedConfigurationInTheTryAfter) {
    Rig rig(R"({"restore": "always", "tries": 2,
                "steps": {"restore": {"attempts": 1, "asks": true}}})");
    rig.box.refused_restores = 1;
    rig.start();
    rig.run();
    ASSERT_EQ(rig.view().record.question, Step::restore);
    const auto edited = as_bytes("ssid=edited\n");
    ASSERT_TRUE(
        rig.answer({Answer::Kind::correct, {}, Bytes(edited.begin(), edited.end())}).has_value());
    rig.box.boot_next = rig.box.active = 1;  // it left the new image before it was told
    rig.run(100);
    EXPECT_EQ(rig.state(), "done");
    EXPECT_EQ(rig.view().record.tries, 2);
    EXPECT_EQ(rig.box.configuration, "ssid=home\nkey=secret\n");
}

TEST(SafeRollout, RollsBackWhereAConversionFails) {
    Rig rig(R"({"restore": "always", "converts": true, "tries": 1})",
            conversions(R"([{"from": "*", "to": "*", "program": "echo no >&2; exit 3"}])"));
    rig.start();
    rig.run(200);
    EXPECT_EQ(rig.state(), "failed");
    EXPECT_EQ(rig.box.version(), "1.0");
    EXPECT_EQ(rig.box.configuration, "ssid=home\nkey=secret\n");
    EXPECT_THAT(rig.why(), HasSubstr("converting its configuration"));
}

TEST(SafeRollout, LetsAConversionWaitForItsTurnAsLongAsForADevice) {
    Rig rig(R"({"restore": "always", "converts": true, "tries": 1,
                "steps": {"convert": {"limit_s": 60, "attempts": 1}}})",
            conversions(R"([{"from": "*", "to": "*", "rules": {"rename": {"ssid": "name"}}}])"));
    rig.conversions_at_once = 0;  // others are at work
    rig.restart();
    rig.start();
    for (int i = 0; i < 10 && rig.view().record.step != Step::convert; ++i) rig.run(1);
    rig.pass(std::chrono::hours(12));
    EXPECT_EQ(rig.view().record.step, Step::convert) << "its limit has not begun";
    EXPECT_EQ(rig.view().detail, "waits until other conversions are done");
    rig.restart();
    EXPECT_EQ(rig.view().record.step, Step::convert);
    rig.conversions_at_once = 1;
    rig.restart();
    rig.pass(std::chrono::minutes(1));
    rig.run();
    EXPECT_EQ(rig.state(), "done");
    EXPECT_EQ(rig.box.configuration, "name=home\nkey=secret\n");
}

TEST(SafeRollout, GivesAConversionUpThatNeverGetsItsTurn) {
    Rig rig(R"({"restore": "always", "converts": true, "tries": 1})",
            conversions(R"([{"from": "*", "to": "*", "program": "cat"}])"));
    rig.conversions_at_once = 0;
    rig.restart();
    rig.start();
    for (int i = 0; i < 10 && rig.view().record.step != Step::convert; ++i) rig.run(1);
    for (int i = 0; i < 9 && rig.view().record.step == Step::convert; ++i)
        rig.pass(std::chrono::hours(25));
    EXPECT_EQ(rig.view().record.step, Step::roll_back);
    EXPECT_THAT(rig.view().detail, HasSubstr("other conversions"));
}

TEST(RestoreByHand, SendsABackupAndSaysWhatCameOfIt) {
    Rig rig(R"({"restore": "never"})");
    rig.start();
    rig.run();
    ASSERT_EQ(rig.state(), "done");
    rig.box.configuration = "ssid=broken\n";
    Result<void> begun = Error{"nothing came"};
    rig.upgrades().restore_backup(1, "ann", [&](Result<void> r) { begun = std::move(r); });
    ASSERT_TRUE(begun.has_value()) << begun.error().message;
    EXPECT_EQ(rig.view().record.attempts, 1) << "it has only begun";
    rig.restart();
    for (int i = 0; i < 5; ++i) {
        rig.session();
        rig.pass(std::chrono::minutes(1));
    }
    EXPECT_EQ(rig.box.configuration, "ssid=home\nkey=secret\n");
    EXPECT_EQ(rig.view().record.end, End::done);
    EXPECT_EQ(rig.view().rollout, "");
}

}  // namespace
}  // namespace sluice::upgrade::acs
