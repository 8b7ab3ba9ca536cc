#include "engine/upgrade/form.hpp"

#include <gtest/gtest.h>

#include "tests/upgrade/course.hpp"

namespace sluice::upgrade {
namespace {

TEST(PolicyForm, SaysWhatIsOtherThanTheDefault) {
    const auto read = parse_policy(
        R"({"backup": "require", "restore": "always", "converts": true, "tries": 5,
            "steps": {"transfer": {"limit_s": 60, "pause_s": 1, "attempts": 2, "asks": true}}})");
    ASSERT_TRUE(read.has_value()) << read.error().message;
    const auto& policy = read.value();
    EXPECT_EQ(policy.backup, Backup::require);
    EXPECT_EQ(policy.restore, Restore::always);
    EXPECT_TRUE(policy.converts);
    EXPECT_EQ(policy.tries, 5);
    EXPECT_EQ(policy.rule(Step::transfer).limit, 60s);
    EXPECT_TRUE(policy.rule(Step::transfer).asks);
    EXPECT_EQ(policy.rule(Step::reset).limit, Policy{}.rule(Step::reset).limit);
}

struct Bad {
    const char* text;
    const char* says;
};
class BadPolicyForms : public testing::TestWithParam<Bad> {};

TEST_P(BadPolicyForms, AreRefusedByTheNameOfTheKey) {
    const auto read = parse_policy(GetParam().text);
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().message, GetParam().says);
}

INSTANTIATE_TEST_SUITE_P(
    All, BadPolicyForms,
    testing::Values(
        Bad{"[]", "policy: is not a JSON object"},
        Bad{R"({"backups": "require"})", "unknown key 'backups' (did you mean 'backup'?)"},
        Bad{R"({"restore": "sometimes"})", "restore: is none of always, if_lost, never"},
        Bad{R"({"tries": -1})", "tries: is not a number from 0 to 1000"},
        Bad{R"({"tries": 0})", "tries: is 0: nothing would be upgraded"},
        Bad{R"({"steps": {"transfers": {}}})",
            "steps: unknown key 'transfers' (did you mean 'transfer'?)"},
        Bad{R"({"steps": {"transfer": {"limit": 3}}})",
            "steps.transfer: unknown key 'limit' (did you mean 'limit_s'?)"},
        Bad{R"({"steps": {"transfer": {"asks": 1}}})", "steps.transfer.asks: is not true or false"},
        Bad{R"({"steps": {"transfer": {"attempts": 0}}})", "steps.transfer.attempts: is 0"}));

TEST(RecordForm, ComesBackAsItWas) {
    Course course(backup_and_restore_always());
    course.start().done(5).fail_for_good();
    const auto text = to_json(course.record());
    const auto read = parse_record(text);
    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_EQ(to_json(read.value()), text);
    EXPECT_TRUE(read.value().is_touched);
    EXPECT_EQ(read.value().step, Step::roll_back);
}

TEST(RecordForm, IsRefusedWhereItIsNotOne) {
    for (const auto* text : {"", "{}", R"({"step": "precheck"})", "[1]"})
        EXPECT_FALSE(parse_record(text).has_value()) << text;
    auto other = to_json(Record{});
    other.replace(other.find("precheck"), 8, "precook!");
    EXPECT_FALSE(parse_record(other).has_value());
}

}  // namespace
}  // namespace sluice::upgrade
