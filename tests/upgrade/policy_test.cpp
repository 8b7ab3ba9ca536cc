#include "engine/upgrade/policy.hpp"

#include <gtest/gtest.h>

namespace sluice::upgrade {
namespace {

TEST(Policy, IsGoodAsItComes) {
    EXPECT_TRUE(check(Policy{}));
    EXPECT_TRUE(check(backup_and_restore_always()));
}

struct Bad {
    const char* names;
    void (*spoil)(Policy&);
};
class BadPolicies : public testing::TestWithParam<Bad> {};

TEST_P(BadPolicies, AreRefusedByTheNameOfTheMember) {
    Policy policy;
    GetParam().spoil(policy);
    const auto checked = check(policy);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().message.rfind(GetParam().names, 0), 0U) << checked.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    All, BadPolicies,
    testing::Values(
        Bad{"tries", [](Policy& p) { p.tries = 0; }},
        Bad{"restore",
            [](Policy& p) {
                p.backup = Backup::skip;
                p.restore = Restore::always;
            }},
        Bad{"steps.transfer.limit_s", [](Policy& p) { p.rule(Step::transfer).limit = {}; }},
        Bad{"steps.reset.pause_s", [](Policy& p) { p.rule(Step::reset).pause = 2 * kPauseMax; }},
        Bad{"steps.verify.attempts", [](Policy& p) { p.rule(Step::verify).attempts = 0; }}));

TEST(Steps, AreFoundByTheirNames) {
    for (const auto& a : kArrows) EXPECT_EQ(step_named(a.name), a.step);
    EXPECT_EQ(step_named("backup"), std::nullopt);
}

TEST(Steps, LeadToAnEndWhateverFails) {
    for (const auto& a : kArrows) {
        auto step = a.step;
        for (std::size_t i = 0; i < kSteps; ++i) step = arrow(step).given_up;
        EXPECT_EQ(step, Step::end) << a.name;
    }
}

}  // namespace
}  // namespace sluice::upgrade
