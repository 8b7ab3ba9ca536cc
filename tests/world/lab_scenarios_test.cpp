// The lab's scenarios in virtual time, held against the project's own bars. `sluice-world` prints
// what they measured.
#include "tests/world/lab_scenarios.hpp"

#include <gmock/gmock.h>

namespace sluice::sim::world {
namespace {

LabResult run(const std::string& name) {
    auto result = run_lab(lab_scenario(name));
    EXPECT_TRUE(result.did_all_finish);
    EXPECT_EQ(result.wrong_bans, 0u);
    return result;
}
double ratio(const LabResult& result) {
    return result.last_device_s / result.bound_s;
}

struct FaultFree {
    const char* name;
    double most;  // last device ÷ F/u_origin
};

class FaultFreeLab : public testing::TestWithParam<FaultFree> {};

TEST_P(FaultFreeLab, IsAsFastAsItsBarAndBringsOneImage) {
    const auto result = run(GetParam().name);
    EXPECT_LE(ratio(result), GetParam().most);
    EXPECT_GE(ratio(result), 1.046);  // headers alone
    EXPECT_LE(result.origin_images, 1.01);
    EXPECT_LE(result.most_received_images, 1.02);
    EXPECT_EQ(result.devices_that_banned, 0u);
}

INSTANTIATE_TEST_SUITE_P(Scenarios, FaultFreeLab,
                         testing::Values(FaultFree{"ten_hosts", 1.08},
                                         FaultFree{"forty_hosts", 1.12},
                                         FaultFree{"forty_hosts_25mbit", 1.20}),
                         [](const auto& given) { return std::string(given.param.name); });

class MasterLostLab : public testing::TestWithParam<const char*> {};

TEST_P(MasterLostLab, IsReplacedInTwoSecondsAtAFifthOfAnImage) {
    const auto result = run(GetParam());
    EXPECT_LE(result.origin_images, 1.20);
    ASSERT_TRUE(result.new_source_s.has_value());
    EXPECT_LE(*result.new_source_s, 2.0);
}

INSTANTIATE_TEST_SUITE_P(Scenarios, MasterLostLab,
                         testing::Values("master_killed", "master_silent"),
                         [](const auto& given) { return std::string(given.param); });

class StarvingLab : public testing::TestWithParam<const char*> {};

TEST_P(StarvingLab, DoesNotTakeTheMasterForDead) {
    const auto result = run(GetParam());
    EXPECT_LE(result.origin_images, 1.05);
    for (std::size_t h = 1; h < result.hosts.size(); ++h) {
        EXPECT_EQ(result.hosts[h].bytes_by_source.back(), 0u) << "host " << h << ", of the origin";
        EXPECT_THAT(result.hosts[h].leaves, testing::IsEmpty()) << "host " << h;
    }
}

INSTANTIATE_TEST_SUITE_P(Scenarios, StarvingLab,
                         testing::Values("origin_slow", "origin_slow_32mib", "origin_gone"),
                         [](const auto& given) { return std::string(given.param); });

class LyingLab : public testing::TestWithParam<const char*> {};

TEST_P(LyingLab, BansTheLiarAtItsFirstWrongPieceAndGoesOn) {
    const auto result = run(GetParam());
    EXPECT_GE(result.devices_that_banned, 1u);
    EXPECT_LE(result.origin_images, 1.20);
    for (const auto& host : result.hosts) EXPECT_LE(host.bans.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Scenarios, LyingLab, testing::Values("master_lies", "neighbour_lies"),
                         [](const auto& given) { return std::string(given.param); });

TEST(AgentKilledLab, FetchesAtMostOnePieceAgainForEachKill) {
    const auto result = run("agent_killed");
    EXPECT_EQ(result.kills, 50u);
    EXPECT_LE(result.received_again_per_kill, 1.0);
}

TEST(Lab, MeasuresTheSameTwice) {
    EXPECT_EQ(run_lab(lab_scenario("master_silent")).trace_hash,
              run_lab(lab_scenario("master_silent")).trace_hash);
}

}  // namespace
}  // namespace sluice::sim::world
