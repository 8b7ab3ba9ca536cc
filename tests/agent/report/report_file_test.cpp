#include "agent/report_file.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <unistd.h>

namespace sluice::agent {
namespace {

TEST(ReportFile, AppendsOneLineOfJsonAnEvent) {
    const auto path = testing::TempDir() + "sluice-report-" + std::to_string(getpid());
    for (int start = 0; start < 2; ++start) {
        auto report = ReportFile::open(path).value();
        report.write("finished", {{"bytes_by_source", {7, 0}}, {"why", "a \"quote\""}});
    }
    std::ifstream file(path);
    for (int line = 0; line < 2; ++line) {
        std::string text;
        std::getline(file, text);
        EXPECT_THAT(text, testing::MatchesRegex("\\{\"t\":[0-9]+\\.[0-9]{6},\"event\":\"finished\","
                                                "\"bytes_by_source\":\\[7,0\\],"
                                                "\"why\":\"a \\\\\"quote\\\\\"\"\\}"));
    }
    std::remove(path.c_str());
}

TEST(ReportFile, NamesTheFileThatCannotBeOpened) {
    const auto report = ReportFile::open("/nonexistent/report");
    ASSERT_FALSE(report);
    EXPECT_THAT(report.error().message, testing::HasSubstr("/nonexistent/report"));
}

TEST(ReportFile, WritesNowhereWhenNobodyAskedForOne) {
    ReportFile().write("started", {{"resumed_pieces", 0}});
}

}  // namespace
}  // namespace sluice::agent
