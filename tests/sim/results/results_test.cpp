// What runs leave behind: the same bytes for the same seed, folders that are whole or not there.
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/flow/statistics.hpp"
#include "sim/report/page.hpp"
#include "sim/report/words.hpp"
#include "sim/results/folder.hpp"
#include "sim/results/run_files.hpp"
#include "sim/results/sweep.hpp"
#include "sim/results/table.hpp"
#include "sim/scenario/read.hpp"

namespace sluice::sim::results {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

scenario::Scenario small() {
    scenario::Scenario s;
    s.name = "small <fleet>";
    s.devices = 200;
    s.master_death = 0.2;
    s.site_size = scenario::Distribution::parse("uniform 1 .. 20", scenario::Unit::none).value();
    return s;
}

TEST(RunFiles, AreTheSameBytesForTheSameSeed) {
    const auto s = small();
    const auto a = experiment::run_experiment(s, 5, {}).value();
    const auto b = experiment::run_experiment(s, 5, {}).value();
    EXPECT_EQ(summary_json(s, a), summary_json(s, b));
    EXPECT_EQ(timeseries_csv(s, a), timeseries_csv(s, b));
    EXPECT_EQ(devices_csv(a), devices_csv(b));
    EXPECT_NE(summary_json(s, a), summary_json(s, experiment::run_experiment(s, 6, {}).value()));
}

TEST(Sweep, IsTheSameBytesForAnyNumberOfThreadsAndProcesses) {
    const auto plan = [] {
        return Sweep::plan(small(),
                           {parse_vary("failures.master_death=0 %|50 %").value(),
                            parse_vary("fleet.devices=50|100").value()},
                           3)
            .value();
    }();
    const auto alone = plan.run(0, 1, 1, {}).value();
    const auto threads = plan.run(0, 1, 4, {}).value();
    auto parts = plan.run(1, 2, 1, {}).value();
    const auto others = plan.run(0, 2, 2, {}).value();
    parts.insert(parts.end(), others.begin(), others.end());
    EXPECT_EQ(plan.sweep_csv(alone), plan.sweep_csv(threads));
    EXPECT_EQ(plan.sweep_csv(alone), plan.sweep_csv(parts));
    EXPECT_EQ(plan.ci_csv(alone), plan.ci_csv(parts));
    const auto table = parse_csv(plan.sweep_csv(alone)).value();
    EXPECT_EQ(table.rows.size(), 4u * 3 * 2);
}

// Common random numbers: a failure model that is switched on shifts no other draw.
TEST(Sweep, DrawsTheSameFleetAtEveryPoint) {
    auto calm = small();
    calm.master_death = 0;
    const auto a = flow::draw_population(small(), 9), b = flow::draw_population(calm, 9);
    EXPECT_EQ(a.access_bps, b.access_bps);
    EXPECT_EQ(a.site, b.site);
    auto larger = small();
    larger.devices = 300;
    const auto c = flow::draw_population(larger, 9);
    EXPECT_TRUE(std::equal(a.cpu.begin(), a.cpu.end(), c.cpu.begin()));
}

TEST(Sweep, RefusesAPointThatCannotBe) {
    const auto says = [](const char* vary) {
        auto axis = parse_vary(vary);
        if (!axis) return axis.error().message;
        const auto plan = Sweep::plan(small(), {axis.value()}, 1);
        return plan ? std::string("accepted") : plan.error().message;
    };
    EXPECT_THAT(says("fleet.devises=3"), HasSubstr("did you mean 'fleet.devices'?"));
    EXPECT_THAT(says("fleet.devices=3|-1"), HasSubstr("fleet.devices: -1 is not within"));
    EXPECT_THAT(says("fleet.devices="), HasSubstr("is not KEY=VALUE|VALUE"));
}

// Student's t of 4 degrees: 2.776; samples 1 to 5: mean 3, s = sqrt(2.5).
TEST(Statistics, GiveTheIntervalOfTheMean) {
    const double samples[] = {1, 2, 3, 4, 5};
    const auto interval = flow::interval_of(samples);
    EXPECT_DOUBLE_EQ(interval.mean, 3);
    EXPECT_NEAR(interval.half_width, 2.776 * std::sqrt(2.5 / 5), 1e-9);
    std::vector<double> many(31);
    for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<double>(i);
    // t of 30 degrees is 2.0423.
    EXPECT_NEAR(flow::interval_of(many).half_width, 2.0423 * std::sqrt(31 * 32 / 12.0 / 31), 1e-3);
    EXPECT_TRUE(std::isinf(flow::interval_of(std::span(samples, 1)).half_width));
}

class FolderTest : public testing::Test {
protected:
    FolderTest() : root_(fs::temp_directory_path() / "sluice-sim-folder-test") {
        fs::remove_all(root_);
        fs::create_directories(root_);
    }
    ~FolderTest() override { fs::remove_all(root_); }
    fs::path root_;
};

TEST_F(FolderTest, IsThereWholeOrNotAtAll) {
    {
        auto folder = Folder::create(root_ / "out", false).value();
        ASSERT_TRUE(folder.write("a.csv", "1\n").has_value());
        EXPECT_FALSE(fs::exists(root_ / "out"));
    }
    EXPECT_TRUE(fs::is_empty(root_)) << "an abandoned folder leaves nothing";
    auto folder = Folder::create(root_ / "out", false).value();
    ASSERT_TRUE(folder.write("a.csv", "1\n").has_value());
    ASSERT_TRUE(folder.commit().has_value());
    EXPECT_EQ(read_text(root_ / "out" / "a.csv").value(), "1\n");
}

TEST_F(FolderTest, ReplacesAnOlderOneOnlyWhenTold) {
    fs::create_directories(root_ / "out");
    std::ofstream(root_ / "out" / "old") << "x";
    EXPECT_THAT(Folder::create(root_ / "out", false).error().message, HasSubstr("already there"));
    auto folder = Folder::create(root_ / "out", true).value();
    EXPECT_TRUE(fs::exists(root_ / "out" / "old")) << "until the new one is whole";
    ASSERT_TRUE(folder.commit().has_value());
    EXPECT_FALSE(fs::exists(root_ / "out" / "old"));
}

TEST_F(FolderTest, SaysWhereItCannotBeWritten) {
    std::ofstream(root_ / "file") << "x";
    const auto folder = Folder::create(root_ / "file" / "out", false);
    ASSERT_FALSE(folder.has_value());
    EXPECT_THAT(folder.error().message, HasSubstr("file/out"));
}

TEST(Page, ShowsARunAndEscapesNames) {
    const auto s = small();
    const auto e = experiment::run_experiment(s, 1, {}).value();
    const auto page =
        report::make_page({summary_json(s, e), timeseries_csv(s, e), "", scenario::to_toml(s)})
            .value();
    EXPECT_THAT(page, HasSubstr("small &lt;fleet&gt;"));
    EXPECT_THAT(page, HasSubstr("What the origin sends"));
    EXPECT_THAT(page, HasSubstr("unicast"));
    EXPECT_EQ(page.find("http://"), page.npos) << "self-contained: nothing is fetched";
    EXPECT_EQ(page.find("nan"), page.npos);
}

TEST(Page, ShowsSweepsOverOneAndTwoKeys) {
    for (const auto& axes : {std::vector{parse_vary("fleet.devices=20|40").value()},
                             std::vector{parse_vary("fleet.devices=20|40").value(),
                                         parse_vary("failures.master_death=0 %|50 %").value()}}) {
        const auto plan = Sweep::plan(small(), axes, 2).value();
        const auto ci = plan.ci_csv(plan.run(0, 1, 1, {}).value());
        const auto page = report::make_page({"", "", ci, ""}).value();
        EXPECT_THAT(page, HasSubstr("A sweep over fleet.devices"));
        EXPECT_THAT(page, HasSubstr("95 % intervals"));
    }
}

TEST(Page, RefusesFilesThatAreNotOurs) {
    EXPECT_FALSE(report::make_page({"{}", "", "", ""}).has_value());
    EXPECT_FALSE(report::make_page({"", "", "a,b\n1,2\n", ""}).has_value());
}

TEST(Words, AreShortAndHaveTheirUnit) {
    EXPECT_EQ(report::short_number(26843.5), "26,840");
    EXPECT_EQ(report::short_number(0.30199), "0.302");
    EXPECT_EQ(report::short_number(1e6), "1,000,000");
    EXPECT_EQ(report::duration_words(7.7846), "7.78 s");
    EXPECT_EQ(report::duration_words(86400 * 3), "3 d");
    EXPECT_EQ(report::rate_words(1e10), "10 Gbit/s");
    EXPECT_EQ(report::bytes_words(33'554'432), "33.6 MB");
    EXPECT_EQ(report::percent_words(0.9025), "90.2 %");
}

}  // namespace
}  // namespace sluice::sim::results
