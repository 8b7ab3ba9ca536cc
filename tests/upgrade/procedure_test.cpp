#include <gtest/gtest.h>
#include <tuple>

#include "tests/upgrade/course.hpp"

namespace sluice::upgrade {
namespace {

Policy policy(Backup backup, Restore restore) {
    Policy p;
    p.backup = backup;
    p.restore = restore;
    return p;
}

struct Way {
    const char* name;
    Policy policy;
    bool is_lost;  // what compare finds, where it is asked
    const char* steps;
};

class Ways : public testing::TestWithParam<Way> {};

TEST_P(Ways, GoThroughTheStepsThatThePolicyNeedsAndNoOther) {
    Course course(GetParam().policy);
    course.start();
    while (course.record().end == End::none)
        course.ended(course.record().step == Step::compare && GetParam().is_lost ? Outcome::lost
                                                                                 : Outcome::done);
    EXPECT_EQ(course.said(), GetParam().steps);
}

Policy converting() {
    auto p = policy(Backup::require, Restore::always);
    p.converts = true;
    return p;
}
Policy at_once() {
    auto p = policy(Backup::require, Restore::always);
    p.applies_at_once = true;
    return p;
}
Policy resets_itself() {
    auto p = policy(Backup::skip, Restore::never);
    p.resets_apart = false;
    return p;
}

INSTANTIATE_TEST_SUITE_P(
    Policies, Ways,
    testing::Values(
        Way{"r3_as_written", backup_and_restore_always(), false,
            "precheck back_up verify_backup transfer install reset verify restore verify_restore "
            "= done"},
        Way{"kept", policy(Backup::by_device, Restore::if_lost), false,
            "precheck back_up verify_backup transfer install reset verify compare = done"},
        Way{"lost", policy(Backup::by_device, Restore::if_lost), true,
            "precheck back_up verify_backup transfer install reset verify compare restore "
            "verify_restore = done"},
        Way{"never_restored", policy(Backup::require, Restore::never), false,
            "precheck back_up verify_backup transfer install reset verify = done"},
        Way{"no_backup", policy(Backup::skip, Restore::if_lost), false,
            "precheck transfer install reset verify = done"},
        Way{"converted", converting(), false,
            "precheck back_up verify_backup transfer install reset verify convert restore "
            "verify_restore = done"},
        Way{"applied_at_once", at_once(), false,
            "precheck back_up verify_backup transfer verify restore verify_restore = done"},
        Way{"resets_itself", resets_itself(), false, "precheck transfer install verify = done"}),
    [](const auto& way) { return way.param.name; });

struct Found_ {
    const char* name;
    Policy policy;
    Found found;
    const char* says;
};
class Prechecks : public testing::TestWithParam<Found_> {};

TEST_P(Prechecks, DecideBeforeAnythingIsDone) {
    Course course(GetParam().policy);
    course.on(Start{});
    auto found = GetParam().found;
    found.number = course.number();
    course.on(found);
    EXPECT_EQ(course.said(), GetParam().says);
}

INSTANTIATE_TEST_SUITE_P(
    Devices, Prechecks,
    testing::Values(Found_{"there_already", {}, {0, true, true, true}, "precheck = done"},
                    Found_{"keeps_nothing", {}, {0, false, true, false}, "precheck = unchanged"},
                    Found_{"required_and_cannot",
                           policy(Backup::require, Restore::always),
                           {0, false, false, true},
                           "precheck = unchanged"},
                    Found_{"cannot", {}, {0, false, false, true}, "precheck transfer"},
                    Found_{"attempted_and_cannot",
                           policy(Backup::attempt, Restore::always),
                           {0, false, false, true},
                           "precheck transfer"}),
    [](const auto& found) { return found.param.name; });

TEST(Procedure, DoesAFailedStepAgainAfterAPauseThatDoubles) {
    Course course;
    course.start().said();
    const auto pause = Policy{}.rule(Step::back_up).pause;
    course.ended(Outcome::failed);
    EXPECT_EQ(course.deadline() - course.now, pause);
    course.wait().ended(Outcome::failed);
    EXPECT_EQ(course.deadline() - course.now, 2 * pause);
    course.wait();
    EXPECT_EQ(course.said(), "back_up*2 back_up*3");
}

TEST(Procedure, TakesAStepWithoutEndForFailedAndDropsItsLateAnswer) {
    Course course;
    course.start().said();
    const auto first = course.number();
    course.wait();
    EXPECT_EQ(course.said(), "drop");
    course.on(Ended{first, Outcome::done, Reason::none}).wait();
    EXPECT_EQ(course.said(), "back_up*2");
    course.on(Ended{first, Outcome::done, Reason::none});
    EXPECT_EQ(course.record().step, Step::back_up);
}

TEST(Procedure, CountsABackupThatReadsBackOtherwiseAsAnAttemptOfTheBackup) {
    Course course;
    course.start().done().said();
    course.ended(Outcome::failed, Reason::not_the_same).wait().done();
    EXPECT_EQ(course.said(), "back_up*2 verify_backup*2");
    course.ended(Outcome::failed, Reason::not_the_same).wait().done();
    course.ended(Outcome::failed, Reason::not_the_same);
    EXPECT_EQ(course.said(), "back_up*3 verify_backup*3 = unchanged");
    EXPECT_EQ(course.record().reason, Reason::not_the_same);
}

TEST(Procedure, NeverTouchesADeviceWithoutTheBackupThatIsRequired) {
    Course course(backup_and_restore_always());
    course.start().fail_for_good();
    EXPECT_EQ(course.record().end, End::unchanged);
    EXPECT_FALSE(course.record().is_touched);
}

TEST(Procedure, GoesOnWithoutABackupThatWasOnlyAttempted) {
    Course course(policy(Backup::attempt, Restore::always));
    course.start().fail_for_good();
    course.said();
    course.done(4);
    EXPECT_EQ(course.said(), "install reset verify = done");
}

TEST(Procedure, DoesNotRepeatWhatWasRefused) {
    Course course;
    course.start().done(2).said();
    course.ended(Outcome::refused, Reason::refusal);
    EXPECT_EQ(course.said(), "= unchanged");
}

TEST(Procedure, RollsBackImageAndConfigurationTogetherAndTriesAgain) {
    Course course(backup_and_restore_always());
    course.start().done(5).said();
    course.fail_for_good();
    EXPECT_EQ(course.said(), "verify*2 verify*3 roll_back");
    course.done(4);
    EXPECT_EQ(course.said(), "verify_roll_back put_back verify_put_back");
    course.wait();
    EXPECT_EQ(course.said(), "transfer");
    EXPECT_EQ(course.record().tries, 2);
    course.done(3).fail_for_good().done(4);
    EXPECT_EQ(course.record().end, End::rolled_back);
}

// A power cut between the two starts what was installed.
TEST(Procedure, PutsTheConfigurationBackEvenWhereNoResetWasOrdered) {
    Course course(backup_and_restore_always());
    course.start().done(3).said();
    course.fail_for_good().done(2);
    EXPECT_EQ(course.said(), "install*2 install*3 roll_back verify_roll_back put_back");
}

TEST(Procedure, LeavesADeviceAloneThatItNeverTouched) {
    Course course(backup_and_restore_always());
    course.start().done(2).said();
    course.fail_for_good();
    EXPECT_EQ(course.said(), "transfer*2 transfer*3 = unchanged");
}

TEST(Procedure, OnlyLooksWhereTheDeviceWentBackByItself) {
    Course course(backup_and_restore_always());
    course.start().done(5).said();
    course.ended(Outcome::reverted, Reason::reverted);
    EXPECT_EQ(course.said(), "verify_roll_back");
    EXPECT_EQ(course.record().cause, Reason::reverted);
}

TEST(Procedure, TakesParametersThatCannotBeComparedForLost) {
    Course course;
    course.start().done(6).said();
    course.fail_for_good();
    EXPECT_EQ(course.said(), "compare*2 compare*3 restore");
}

Policy asking(Step step) {
    auto p = converting();
    p.rule(step).asks = true;
    p.rule(step).attempts = 1;
    return p;
}

TEST(Procedure, AsksTheOperatorAndWaitsWithoutLimit) {
    Course course(asking(Step::transfer));
    course.start().done(2).said();
    course.ended(Outcome::failed);
    EXPECT_EQ(course.said(), "ask:transfer");
    EXPECT_EQ(course.deadline(), Instant::never());
    course.on(Accepted{Step::back_up});  // to a question that is not open
    EXPECT_EQ(course.said(), "");
    course.on(Accepted{Step::transfer});
    EXPECT_EQ(course.said(), "transfer");
}

TEST(Procedure, EndsUnchangedWhereTheOperatorDeclinesBeforeTheDeviceIsTouched) {
    Course course(asking(Step::transfer));
    course.start().done(2).ended(Outcome::failed).on(Declined{Step::transfer});
    EXPECT_EQ(course.record().end, End::unchanged);
    EXPECT_EQ(course.record().reason, Reason::declined);
}

TEST(Procedure, RollsBackWithoutAnotherTryWhereTheOperatorDeclinesLater) {
    Course course(asking(Step::restore));
    course.start().done(7).said();
    course.ended(Outcome::failed);
    EXPECT_EQ(course.said(), "ask:restore");
    course.on(Declined{Step::restore}).done(4);
    EXPECT_EQ(course.said(), "roll_back verify_roll_back put_back verify_put_back = rolled back");
}

TEST(Procedure, ConvertsAgainWhereARestoreThatFailedIsAcceptedOnceMore) {
    Course course(asking(Step::restore));
    course.start().done(7).ended(Outcome::failed).said();
    course.on(Accepted{Step::restore}).done();
    EXPECT_EQ(course.said(), "convert restore");
}

TEST(Procedure, RestoresAnEditedConfigurationAsItIs) {
    Course course(asking(Step::restore));
    course.start().done(7).ended(Outcome::failed).said();
    course.on(Corrected{Step::restore}).done(2);
    EXPECT_EQ(course.said(), "restore verify_restore = done");
}

TEST(Procedure, RollsBackBeforeItTriesAnotherImage) {
    Course course(asking(Step::verify));
    course.start().done(5).ended(Outcome::failed).said();
    course.on(Corrected{Step::verify}).done(4).wait();
    EXPECT_EQ(course.said(), "roll_back verify_roll_back put_back verify_put_back transfer");
}

// What was refused is so every time: but this is another image.
TEST(Procedure, TriesAnotherImageAlsoWhereTheFirstWasRefused) {
    Course course(asking(Step::reset));
    course.start().done(4).ended(Outcome::refused, Reason::refusal).said();
    course.on(Corrected{Step::reset}).done(4).wait();
    EXPECT_EQ(course.said(), "roll_back verify_roll_back put_back verify_put_back transfer");
    EXPECT_EQ(course.record().tries, 1);
}

// The image before may have begun to be installed, and would be in the kept one's place.
TEST(Procedure, RollsBackFirstWhereAnotherImageIsGivenAndTheDeviceWasTouched) {
    auto terms = asking(Step::transfer);
    terms.applies_at_once = true;
    Course course(terms);
    course.start().done(2).ended(Outcome::failed).said();
    course.on(Corrected{Step::transfer}).done(4).wait();
    EXPECT_EQ(course.said(), "roll_back verify_roll_back put_back verify_put_back transfer");
    EXPECT_EQ(course.record().tries, 1);
}

TEST(Procedure, CountsTheTriesOfAnotherImageAnew) {
    auto terms = asking(Step::transfer);
    terms.tries = 2;
    Course course(terms);
    course.start().done(4).ended(Outcome::reverted).done(3).wait();
    ASSERT_EQ(course.record().tries, 2);
    course.ended(Outcome::failed).on(Corrected{Step::transfer});
    EXPECT_EQ(course.record().tries, 1);
}

TEST(Procedure, RollsBackWhereTheDeviceRunsNeitherImage) {
    auto terms = asking(Step::put_back);
    terms.applies_at_once = true;
    Course course(terms);
    course.start().done(2).said();
    course.ended(Outcome::astray).done(2).ended(Outcome::astray);
    EXPECT_EQ(course.said(), "roll_back verify_roll_back put_back roll_back");
    course.done(3).ended(Outcome::astray);
    EXPECT_EQ(course.said(), "verify_roll_back put_back verify_put_back roll_back");
    course.done(4).wait();
    EXPECT_EQ(course.said(), "verify_roll_back put_back verify_put_back transfer");
}

TEST(Steps, SayWhatOfTheOperatorIsOfUseToThem) {
    for (const auto& [step, is_image, is_configuration] : {std::tuple{Step::precheck, false, false},
                                                           {Step::back_up, false, false},
                                                           {Step::transfer, true, false},
                                                           {Step::install, true, false},
                                                           {Step::reset, true, false},
                                                           {Step::verify, true, false},
                                                           {Step::compare, false, false},
                                                           {Step::convert, false, true},
                                                           {Step::restore, false, true},
                                                           {Step::verify_restore, false, true},
                                                           {Step::roll_back, false, false},
                                                           {Step::put_back, false, false},
                                                           {Step::end, false, false}}) {
        EXPECT_EQ(takes_image(step), is_image) << name_of(step);
        EXPECT_EQ(takes_configuration(step), is_configuration) << name_of(step);
    }
}

TEST(Procedure, GoesOnToTheEndOfItsLastTryAndNoFurther) {
    Policy policy = backup_and_restore_always();
    policy.tries = 9;
    Course done(policy), failed(policy);
    done.start().done(5).on(LastTry{}).said();
    done.done(3);
    EXPECT_EQ(done.record().end, End::done) << "what goes well goes on";
    failed.start().done(5).on(LastTry{});
    failed.ended(Outcome::refused, Reason::refusal).done(4);
    EXPECT_EQ(failed.record().end, End::rolled_back);
    Course back(policy);
    back.start().done(5).ended(Outcome::reverted, Reason::reverted).on(LastTry{}).done(3);
    EXPECT_EQ(back.record().end, End::rolled_back);
}

TEST(Procedure, NeverGivesUpARollBackByItself) {
    Course course(backup_and_restore_always());
    course.start().done(4).fail_for_good().said();
    course.fail_for_good();
    EXPECT_EQ(course.said(), "roll_back*2 roll_back*3 ask:roll_back");
    course.on(Accepted{Step::roll_back}).fail_for_good().on(Declined{Step::roll_back});
    EXPECT_EQ(course.record().end, End::abandoned);
}

TEST(Procedure, IsCalledOffAtOnceOrByWayOfTheRollBack) {
    Course untouched;
    untouched.start().said();
    untouched.on(CalledOff{});
    EXPECT_EQ(untouched.said(), "drop = unchanged");

    Course touched;
    touched.start().done(4).said();
    touched.on(CalledOff{});
    EXPECT_EQ(touched.said(), "drop roll_back");
    touched.done(4);
    EXPECT_EQ(touched.record().end, End::rolled_back);
    EXPECT_EQ(touched.record().reason, Reason::called_off);
}

TEST(Procedure, SaysAfterARestartWhatWasOpenUnderTheSameNumber) {
    Course course;
    course.start();
    Procedure restarted({}, course.record());
    Actions out;
    restarted.on(Tick{}, course.now, out);
    ASSERT_EQ(out.size(), 1U);
    const auto& again = std::get<Do>(out[0]);
    EXPECT_EQ(again.step, Step::back_up);
    EXPECT_EQ(again.number, course.number());
}

TEST(Procedure, RepeatsItsQuestionAfterARestart) {
    Course course(asking(Step::transfer));
    course.start().done(2).ended(Outcome::failed);
    Procedure restarted(asking(Step::transfer), course.record());
    Actions out;
    restarted.on(Tick{}, course.now, out);
    ASSERT_EQ(out.size(), 1U);
    EXPECT_EQ(std::get<Ask>(out[0]).step, Step::transfer);
}

}  // namespace
}  // namespace sluice::upgrade
