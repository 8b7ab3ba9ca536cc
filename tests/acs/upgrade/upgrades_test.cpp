// Safe upgrades of a device under CWMP, from the rollout's start to the verdict.

#include <algorithm>
#include <gmock/gmock.h>

#include "tests/acs/upgrade/upgrade_rig.hpp"

namespace sluice::upgrade::acs {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kAlways = R"({"backup": "require", "restore": "always"})";

TEST(SafeRollout, BacksUpUpgradesAndRestores) {
    Rig rig(kAlways);
    rig.start();
    rig.run();
    EXPECT_EQ(rig.state(), "done");
    EXPECT_THAT(rig.box.told, ElementsAre("upload", "upgrade", "restore"));
    EXPECT_EQ(rig.box.version(), "2.0");
    EXPECT_EQ(rig.box.configuration, "ssid=home\nkey=secret\n");
    EXPECT_EQ(rig.view().record.end, End::done);
    EXPECT_TRUE(rig.vault.held.at(1).is_released);
    EXPECT_EQ(rig.planner().rollout(rig.rollout)->row.state, service::RolloutState::finished);
}

TEST(SafeRollout, GivesBackWhatTheNewImageLost) {
    Rig rig(kAlways);
    rig.box.loses_configuration = true;
    rig.start();
    rig.run();
    EXPECT_EQ(rig.state(), "done");
    EXPECT_EQ(rig.box.configuration, "ssid=home\nkey=secret\n");
}

TEST(SafeRollout, HearsTheEndOfTheTransferBeforeOrAfterTheRebootOrNotAtAll) {
    for (const bool is_before : {true, false}) {
        Rig rig(kAlways);
        rig.box.tells_before_reboot = is_before;
        rig.start();
        rig.run();
        EXPECT_EQ(rig.state(), "done") << is_before;
        EXPECT_THAT(rig.box.told, ElementsAre("upload", "upgrade", "restore")) << is_before;
    }
    Rig rig(R"({"backup": "skip", "restore": "never"})");
    rig.box.loses_words = true;
    rig.start();
    rig.run();
    EXPECT_EQ(rig.state(), "done") << "the version tells";
    EXPECT_THAT(rig.box.told, ElementsAre("upgrade"));
}

TEST(SafeRollout, RestoresOnlyWhatIsLostWhereThePolicySaysSo) {
    const struct {
        const char* safe;
        bool is_lost;
        std::vector<std::string> told;
    } cases[] = {
        {R"({})", false, {"upload", "upgrade"}},
        {R"({})", true, {"upload", "upgrade", "restore"}},
        {R"({"compare": ["Device.WiFi.SSID.1.SSID"]})", false, {"upload", "upgrade"}},
        {R"({"compare": ["Device.WiFi."]})", true, {"upload", "upgrade", "restore"}},
        {R"({"restore": "never"})", true, {"upload", "upgrade"}},
        {R"({"restore": "always", "verify_restore": "upload"})",
         true,
         {"upload", "upgrade", "restore", "upload"}},
    };
    for (const auto& c : cases) {
        Rig rig(c.safe);
        rig.box.loses_configuration = c.is_lost;
        rig.start();
        rig.run();
        EXPECT_EQ(rig.state(), "done") << c.safe << c.is_lost;
        EXPECT_EQ(rig.box.told, c.told) << c.safe << c.is_lost;
    }
}

TEST(SafeRollout, NeverTouchesADeviceThatCannotDoWhatThePolicyRequires) {
    const struct {
        const char* safe;
        bool lists_upload, has_images;
        const char* state;
        const char* why;
    } cases[] = {
        {R"({"backup": "require"})", false, true, "failed", "cannot upload"},
        {R"({"backup": "by_device"})", false, true, "done", ""},
        {R"({})", true, false, "failed", "does not keep the image"},
        {R"({"needs_kept_image": false})", true, false, "done", ""},
    };
    for (const auto& c : cases) {
        Rig rig(c.safe);
        rig.box.lists_upload = c.lists_upload;
        rig.box.has_images = c.has_images;
        rig.start();
        rig.run();
        EXPECT_EQ(rig.state(), c.state) << c.safe;
        if (*c.why == 0) continue;
        EXPECT_THAT(rig.why(), HasSubstr(c.why));
        EXPECT_THAT(rig.why(), HasSubstr("not begun"));
        EXPECT_THAT(rig.box.told, IsEmpty());
    }
}

TEST(SafeRollout, AsksForAConfigurationByTheOlderNameWhereTheNewerIsUnknown) {
    Rig rig(kAlways);
    rig.box.knows_new_type = false;
    rig.start();
    rig.run();
    EXPECT_EQ(rig.state(), "done");
    EXPECT_THAT(rig.box.told, ElementsAre("upload old", "upgrade", "restore"));
}

TEST(SafeRollout, TakesABootBeforeTheOrderForNoFallBack) {
    Rig rig(R"({"backup": "skip", "restore": "never"})");
    rig.box.tells_before_reboot = true;
    rig.start();
    rig.loses_next_answer = true;
    rig.session();             // it has begun
    rig.box.must_boot = true;  // and the device comes anew, to be ordered in that session
    rig.run();
    EXPECT_EQ(rig.state(), "done");
    EXPECT_THAT(rig.box.told, ElementsAre("upgrade"));
    EXPECT_EQ(rig.view().record.tries, 1);
}

TEST(SafeRollout, PutsTheConfigurationBackWhereTheDeviceLeftTheNewImageByItself) {
    for (const bool is_before : {true, false}) {
        Rig rig(R"({"backup": "require", "restore": "always", "tries": 1})");
        rig.box.tells_before_reboot = is_before;
        rig.box.falls_back = true;
        rig.start();
        rig.run();
        EXPECT_EQ(rig.state(), "failed") << is_before;
        EXPECT_EQ(rig.box.version(), "1.0");
        EXPECT_EQ(rig.box.configuration, "ssid=home\nkey=secret\n");
        EXPECT_THAT(rig.box.told, Contains("restore"));
        EXPECT_THAT(rig.box.told, Not(Contains("set"))) << "nothing is to be rolled back";
        EXPECT_THAT(rig.why(), HasSubstr("rolled back")) << is_before;
        EXPECT_THAT(rig.why(), HasSubstr("went back to the image it had"));
        EXPECT_EQ(rig.planner().rollout(rig.rollout)->verification_failures, 1u);
    }
}

TEST(SafeRollout, RollsADeviceBackThatIsNotWellOnTheNewImage) {
    Rig rig(
        R"({"backup": "require", "tries": 1, "steps": {"verify": {"limit_s": 300, "attempts": 1}}})");
    rig.box.is_unwell = true;
    rig.box.loses_configuration = true;
    rig.start();
    rig.run();
    EXPECT_EQ(rig.state(), "failed");
    EXPECT_EQ(rig.box.version(), "1.0");
    EXPECT_EQ(rig.box.configuration, "ssid=home\nkey=secret\n");
    EXPECT_THAT(rig.box.told, ElementsAre("upload", "upgrade", "set", "reboot", "restore"));
    EXPECT_THAT(rig.why(), HasSubstr("waiting for the new version"));
    EXPECT_THAT(rig.why(), HasSubstr("is not well"));
}

TEST(SafeRollout, TriesTheWholeUpgradeAgainAfterARollBack) {
    Rig rig(R"({"tries": 2})");
    rig.verification_count = 0;  // else the first halts the rollout
    rig.box.falls_back = true;
    rig.start();
    for (int i = 0; i < 20 && rig.view().record.tries < 2; ++i) rig.run(1);
    rig.box.falls_back = false;
    rig.run();
    EXPECT_EQ(rig.state(), "done");
    EXPECT_EQ(std::count(rig.box.told.begin(), rig.box.told.end(), "upgrade"), 2);
    EXPECT_EQ(std::count(rig.box.told.begin(), rig.box.told.end(), "upload"), 1)
        << "the backup is good for both";
}

TEST(SafeRollout, CountsTheAttemptsOfATransferByTheStepsRule) {
    const struct {
        int failures;
        const char* state;
        int upgrades;
    } cases[] = {{2, "done", 3}, {9, "failed", 3}};
    for (const auto& c : cases) {
        Rig rig(R"({"tries": 1, "steps": {"transfer": {"attempts": 3}}})");
        rig.box.failed_downloads = c.failures;
        rig.start();
        rig.run();
        EXPECT_EQ(rig.state(), c.state);
        EXPECT_EQ(std::count(rig.box.told.begin(), rig.box.told.end(), "upgrade"), c.upgrades);
        EXPECT_EQ(rig.box.configuration, "ssid=home\nkey=secret\n");
        if (c.failures == 9) {
            EXPECT_THAT(rig.why(), HasSubstr("the file server went away"));
        }
    }
}

TEST(SafeRollout, TakesABackupAnewThatDoesNotOpen) {
    Rig rig(kAlways);
    rig.vault.spoilt_reads = 1;
    rig.start();
    rig.run();
    EXPECT_EQ(rig.state(), "done");
    EXPECT_THAT(rig.box.told, ElementsAre("upload", "upload", "upgrade", "restore"));
}

TEST(SafeRollout, NeverInstallsWhileNoBackupOpens) {
    Rig rig(kAlways);
    rig.vault.spoilt_reads = 99;
    rig.start();
    rig.run();
    EXPECT_EQ(rig.state(), "failed");
    EXPECT_THAT(rig.box.told, ElementsAre("upload", "upload", "upload"));
    EXPECT_THAT(rig.why(), HasSubstr("does not open"));
}

TEST(SafeRollout, ComesToTheSameEndWhereTheProcessDiesAfterEveryCall) {
    for (const char* safe :
         {kAlways, R"({"backup": "require", "restore": "always", "verify_restore": "upload"})"})
        for (const bool is_unwell : {false, true}) {
            Rig rig(safe);
            rig.box.is_unwell = is_unwell;
            rig.restarts_between_calls = true;
            rig.start();
            rig.run(400);
            EXPECT_EQ(rig.state(), is_unwell ? "failed" : "done");
            EXPECT_EQ(rig.box.version(), is_unwell ? "1.0" : "2.0");
            EXPECT_EQ(rig.box.configuration, "ssid=home\nkey=secret\n");
        }
}

TEST(SafeRollout, SaysAnOrderAgainWithItsKey) {
    Rig rig(kAlways);
    rig.start();
    rig.loses_next_answer = true;  // of the first order, to read
    rig.session();
    rig.session();
    ASSERT_GE(rig.box.order_keys.size(), 2u);
    EXPECT_EQ(rig.box.order_keys[0], rig.box.order_keys[1]);
    EXPECT_LE(rig.box.order_keys[0].size(), 32u);
    rig.run();
    EXPECT_EQ(rig.state(), "done");
}

}  // namespace
// Back to the kept image, put back, and away again: without an end if nobody counted.
TEST(SafeRollout, AsksTheOperatorWhereADeviceNeverStaysOnTheKeptImage) {
    Rig rig(
        R"({"backup": "require", "tries": 1, "steps": {"verify": {"limit_s": 300, "attempts": 1}}})");
    rig.box.is_unwell = true;
    rig.box.loses_configuration = true;
    rig.box.leaves_kept_image = true;
    rig.start();
    rig.run(400);
    EXPECT_EQ(rig.view().record.question, Step::put_back);
    EXPECT_LE(std::count(rig.box.told.begin(), rig.box.told.end(), "reboot"), 12);
}

}  // namespace sluice::upgrade::acs
