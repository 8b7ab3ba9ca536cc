// Scenario files: what is read, and the one line that says what cannot be.
#include "sim/scenario/read.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/scenario/fields.hpp"

namespace sluice::sim::scenario {
namespace {

using testing::HasSubstr;

class ScenarioFile : public testing::Test {
protected:
    ScenarioFile() {
        path_ = std::filesystem::temp_directory_path() /
                ("scenario-" +
                 std::to_string(std::hash<std::string>{}(
                     testing::UnitTest::GetInstance()->current_test_info()->name())) +
                 ".toml");
    }
    ~ScenarioFile() override { std::filesystem::remove(path_); }

    Result<Scenario> read_text(const std::string& text, std::vector<std::string> sets = {}) {
        std::ofstream(path_) << text;
        return read(path_.string(), sets);
    }
    std::string refusal(const std::string& text, std::vector<std::string> sets = {}) {
        const auto result = read_text(text, std::move(sets));
        return result ? "accepted" : result.error().message;
    }
    std::filesystem::path path_;
};

TEST_F(ScenarioFile, IsReadWithItsUnits) {
    const auto s = read_text(R"(version = 1
        name = "Homes"
        [fleet]
        devices = 12_000
        plain = "5 %"
        [sites]
        size = "1: 60 %, 3: 40 %"
        access_down = "lognormal median 100 Mbit/s sigma 0.5"
        [image]
        size = "32 MiB"
        [rollout]
        connection_requests = false
        inform_period = "6 h"
        [run]
        strategies = "planned, chain")")
                       .value();
    EXPECT_EQ(s.name, "Homes");
    EXPECT_EQ(s.devices, 12'000u);
    EXPECT_DOUBLE_EQ(s.plain_share, 0.05);
    EXPECT_DOUBLE_EQ(s.site_size.mean(), 1.8);
    EXPECT_DOUBLE_EQ(s.access_down.quantile(0.5), 100e6);
    EXPECT_DOUBLE_EQ(s.image_size, 33'554'432);
    EXPECT_FALSE(s.connection_requests);
    EXPECT_DOUBLE_EQ(s.inform_period, 21'600);
    EXPECT_EQ(s.strategies, (std::vector{Strategy::planned, Strategy::chain}));
}

TEST_F(ScenarioFile, GivesWayToSet) {
    const auto s = read_text("version = 1\n[fleet]\ndevices = 5", {"fleet.devices=7"}).value();
    EXPECT_EQ(s.devices, 7u);
}

TEST_F(ScenarioFile, SaysWhatIsWrongInOneLineWithFileAndKey) {
    const struct {
        const char* text;
        const char* says;
    } cases[] = {
        {"name = 'x'", "version: is missing"},
        {"version = 2", "version: 2 is not within 1 and 1"},
        {"version = 1\n[fleet]\ndevises = 3", "did you mean 'fleet.devices'?"},
        {"version = 1\n[fleet]\ndevices = 0", "fleet.devices: 0 is not within 1"},
        {"version = 1\n[fleet]\ndevices = 2.5", "fleet.devices: '2.5' is not a whole number"},
        {"version = 1\n[fleet]\ndevices = nan", "fleet.devices: 'nan' is not a number"},
        {"version = 1\n[network]\norigin_rate = 10000",
         "network.origin_rate: '10000' lacks its unit"},
        {"version = 1\n[network]\norigin_rate = '0 bit/s'",
         "network.origin_rate: 0 bit/s is not within"},
        {"version = 1\n[network]\norigin_rate = '-5 Mbit/s'",
         "network.origin_rate: -5 Mbit/s is not within"},
        {"version = 1\n[network]\norigin_rate = 'inf Mbit/s'",
         "network.origin_rate: 'inf Mbit/s' is not a number"},
        {"version = 1\n[network]\norigin_rate = '5 MB/s'", "has an unknown unit"},
        {"version = 1\n[sites]\naccess_down = 'uniform 0 bit/s .. 5 Mbit/s'",
         "sites.access_down: 0 bit/s is not within"},
        {"version = 1\n[sites]\naccess_down = 'exponential mean 5 Mbit/s'",
         "sites.access_down: 0 bit/s is not within"},
        {"version = 1\n[sites]\naccess_down = 'uniform 9 Mbit/s .. 5 Mbit/s'",
         "the upper end is below the lower"},
        {"version = 1\n[sites]\nsize = '1: 60 %, 2: 30 %'",
         "sites.size: the shares sum to 90 %, not 100 %"},
        {"version = 1\n[sites]\nsize = '9000'", "sites.size: 9000 is not within 1 and 4096"},
        {"version = 1\n[lan]\nkind = 'wify'", "(did you mean 'wifi'?)"},
        {"version = 1\n[run]\nstrategies = 'planned, planned'",
         "run.strategies: 'planned' is there twice"},
        {"version = 1\n[rollout]\nwaves = '10 %, 5 %'", "rollout.waves: shares must grow"},
        {"version = 1\n[rollout]\nwaves = '10 %'", "rollout.waves: the last share must be 100 %"},
        {"version = 1\n[fleet]\ndevices = 3\n[policy]\nmasters = 5",
         "policy.masters: 5 masters for 3 devices"},
        {"version = 1\n[network]\naggregations = 3", "network.aggregation_rate: is needed"},
        {"version = 1\n[image]\nsize = '10 B'",
         "image.pieces: more pieces than the image has bytes"},
        {"version = 1\n[fleet]\ndevices = [1]",
         "fleet.devices: must be a string, a number, true or false"},
        {"version = 1\n[fleet\n", "line 2"},
    };
    for (const auto& [text, says] : cases) {
        const auto message = refusal(text);
        EXPECT_THAT(message, HasSubstr(says));
        EXPECT_THAT(message, HasSubstr(path_.string()));
        EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    }
    EXPECT_THAT(refusal("version = 1", {"fleet.devises=3"}), HasSubstr("'fleet.devices'"));
    EXPECT_THAT(refusal("version = 1", {"fleet.devices"}), HasSubstr("is not KEY=VALUE"));
}

TEST_F(ScenarioFile, WrittenBackIsTheSameScenario) {
    const auto first = read_text(R"(version = 1
        name = "a \"quoted\" name"
        [sites]
        size = "uniform 1 .. 30"
        access_down = "lognormal median 48.3 Mbit/s sigma 0.6"
        [failures]
        outage_length = "exponential mean 10 min"
        master_death = "3.3333 %"
        [device]
        flash_write = "20 MB")")
                           .value();
    const auto text = to_toml(first);
    EXPECT_EQ(to_toml(read_text(text).value()), text);
    EXPECT_THAT(text, HasSubstr("flash_write = \"20 MB\""));
}

TEST(Quantity, ReadsWhatItWrites) {
    for (const auto unit : {Unit::none, Unit::rate, Unit::size, Unit::time, Unit::share})
        for (const auto value :
             {0.0, 1.0, 0.35, 1.0 / 3, 48.3e6, 1024.0, 33'554'432.0, 1e12, 86400.0}) {
            const auto text = format_quantity(value, unit);
            EXPECT_DOUBLE_EQ(parse_quantity(text, unit).value(), value) << text;
        }
}

TEST(Distribution, DrawsByItsInverse) {
    const auto of = [](const char* text) { return Distribution::parse(text, Unit::none).value(); };
    EXPECT_DOUBLE_EQ(of("20").quantile(0.9), 20);
    EXPECT_DOUBLE_EQ(of("uniform 10 .. 20").quantile(0.25), 12.5);
    EXPECT_DOUBLE_EQ(of("1: 50 %, 4: 50 %").quantile(0.49), 1);
    EXPECT_DOUBLE_EQ(of("1: 50 %, 4: 50 %").quantile(0.5), 4);
    EXPECT_DOUBLE_EQ(of("exponential mean 60").quantile(0.5), 60 * std::log(2));
    EXPECT_NEAR(of("lognormal median 100 sigma 0.5").quantile(0.841344746), 100 * std::exp(0.5),
                1e-4);
    EXPECT_NEAR(normal_quantile(0.975), 1.959963985, 1e-8);
    EXPECT_NEAR(normal_quantile(0.001), -3.090232306, 1e-8);
}

std::string text_of_file(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

// Editors complete and check scenario files by it.
TEST(Schema, InTheTreeIsTheTableOfFields) {
    const std::filesystem::path folder = SLUICE_SOURCE_DIR "/sim/scenarios";
    EXPECT_EQ(text_of_file(folder / "scenario.schema.json"), json_schema())
        << "renew it: sluice-sim validate --schema > sim/scenarios/scenario.schema.json";
}

TEST(Scenarios, OfTheTreeAreAllValidAndSaySo) {
    int count = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(SLUICE_SOURCE_DIR "/sim/scenarios")) {
        if (entry.path().extension() != ".toml") continue;
        const auto s = read(entry.path().string(), {});
        ASSERT_TRUE(s.has_value()) << s.error().message;
        EXPECT_FALSE(s.value().description.empty()) << entry.path();
        // A figure has a source, or is called an assumption.
        const auto text = text_of_file(entry.path());
        EXPECT_TRUE(text.find("ssumption") != text.npos || text.find("equations") != text.npos)
            << entry.path();
        ++count;
    }
    EXPECT_GE(count, 10);
}

}  // namespace
}  // namespace sluice::sim::scenario
