#include "engine/election/policy.hpp"

#include <gmock/gmock.h>

namespace sluice::election {
namespace {

using testing::HasSubstr;

TEST(MasterPolicy, IsReadFromJson) {
    const auto p = parse_master_policy(
        R"({"fan_out":16,"stand_ins":3,"max_cpu_percent":50,"min_uplink_bps":1000000,
            "needs_file_server":false,"weights":{"idle_cpu":1},"hysteresis_percent":5,"seed":9})");
    ASSERT_TRUE(p.has_value()) << p.error().message;
    EXPECT_EQ(masters_wanted(p.value(), 17), 2u);
    EXPECT_EQ(p.value().weights.uplink, 0u);
    EXPECT_FALSE(p.value().eligibility.needs_file_server);
    EXPECT_EQ(parse_master_policy("{}").value().masters_per_group, 1u);
    EXPECT_EQ(masters_wanted(MasterPolicy{}, 0), 0u);
    MasterPolicy wide;
    wide.fan_out = 1;
    EXPECT_EQ(masters_wanted(wide, 1'000'000), kMaxMasters);
}

TEST(MasterPolicy, RefusesWhatWouldMakeNoSense) {
    const std::pair<const char*, const char*> cases[] = {
        {R"({"weigths":{}})", "unknown key 'weigths' (did you mean 'weights'?)"},
        {R"({"weights":{"cpu":1}})", "weights: unknown key 'cpu'"},
        {R"({"weights":{"idle_cpu":0}})", "weights: are all 0"},
        {R"({"weights":{"idle_cpu":1001}})", "weights.idle_cpu: 1001 is not within 0 to 1000"},
        {R"({"masters":0})", "masters: 0 is not within 1 to 64"},
        {R"({"masters":1,"fan_out":4})", "fan_out: stands beside masters"},
        {R"({"max_cpu_percent":101})", "max_cpu_percent: 101 is not within"},
        {R"({"full_uplink_bps":0})", "full_uplink_bps: 0 is not within"},
        {R"({"hysteresis_percent":-1})", "hysteresis_percent: is not a whole number"},
    };
    for (const auto& [json, message] : cases) {
        const auto p = parse_master_policy(json);
        ASSERT_FALSE(p.has_value()) << json;
        EXPECT_THAT(p.error().message, HasSubstr(message));
    }
    MasterPolicy policy;
    policy.weights = {0, 0, 0};
    EXPECT_FALSE(check(policy).has_value());
}

}  // namespace
}  // namespace sluice::election
