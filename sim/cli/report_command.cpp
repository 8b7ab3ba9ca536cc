#include <cstdio>
#include <filesystem>
#include <fstream>

#include "sim/cli/commands.hpp"
#include "sim/cli/output.hpp"
#include "sim/report/page.hpp"

namespace sluice::sim::cli {
namespace {

constexpr net::OptionSpec kOptions[] = {
    {"out", "FILE", "where the page goes; without it, DIR/report.html"},
    {"help", "", "print this"},
};

Result<std::string> page_of(const results::Path& directory) {
    report::Sources sources;
    SLUICE_TRY(sources.scenario, results::read_text(directory / "scenario.toml"));
    std::error_code ignored;
    if (std::filesystem::exists(directory / "ci.csv", ignored)) {
        SLUICE_TRY(sources.ci, results::read_text(directory / "ci.csv"));
    } else {
        SLUICE_TRY(sources.summary, results::read_text(directory / "summary.json"));
        SLUICE_TRY(sources.timeseries, results::read_text(directory / "timeseries.csv"));
    }
    auto page = report::make_page(sources);
    if (!page) return std::move(page).error().within(directory.string());
    return page;
}

}  // namespace

int report_command(Args args) {
    auto arguments = read_arguments(args, kOptions);
    if (!arguments) return refuse("report", arguments.error());
    if (arguments.value().options.is_on("help")) {
        std::printf(
            "Usage: sluice-sim report DIR [--out FILE]\n\n"
            "Makes one self-contained HTML page out of what run or sweep left in DIR.\n\n"
            "Options:\n%s",
            net::describe(kOptions).c_str());
        return 0;
    }
    if (arguments.value().places.size() != 1)
        return refuse("report", Error{"one results folder is required"});
    const results::Path directory = arguments.value().places.front();
    auto page = page_of(directory);
    if (!page) return refuse("report", page.error());
    results::Path to = arguments.value().options.text("out");
    if (to.empty()) to = directory / "report.html";
    std::ofstream file(to, std::ios::binary);
    file << page.value();
    file.close();
    if (!file) return refuse("report", Error{to.string() + ": cannot be written"});
    std::printf("%s\n", to.c_str());
    return 0;
}

}  // namespace sluice::sim::cli
