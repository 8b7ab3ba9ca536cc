#include <algorithm>
#include <cstdio>
#include <vector>

#include "sim/cli/commands.hpp"
#include "sim/cli/output.hpp"
#include "sim/cli/progress.hpp"
#include "sim/experiment/experiment.hpp"
#include "sim/report/words.hpp"
#include "sim/results/run_files.hpp"

namespace sluice::sim::cli {
namespace {

constexpr net::OptionSpec kOptions[] = {
    {"out", "DIR", "where the results go; without it, SCENARIO-results"},
    {"seed", "N", "instead of the scenario's"},
    {"devices-csv", "", "write devices.csv too: a row a device and strategy"},
    {"force", "", "replace an older results folder"},
    {"quiet", "", "no progress bar, no table"},
    {"help", "", "print this"},
};

void print_help() {
    std::printf(
        "Usage: sluice-sim run SCENARIO [--set KEY=VALUE]... [options]\n\n"
        "Simulates one scenario, every strategy it names over the same fleet and plan.\n\n"
        "Options:\n  --set KEY=VALUE  instead of the scenario's; as often as wanted\n%s",
        net::describe(kOptions).c_str());
}

void print_table(const experiment::Experiment& e) {
    using namespace report;
    std::printf("%u devices, %u sites; %s of sites have two or more devices of one model\n",
                e.devices, e.sites, percent_words(e.sharing_sites).c_str());
    std::printf("bound: last device %s, %s images from the origin\n\n",
                duration_words(e.bound.seconds).c_str(),
                short_number(e.bound.origin_images).c_str());
    std::printf("%-18s %12s %12s %12s %10s %14s %10s %9s\n", "strategy", "median done", "last done",
                "from origin", "off it", "peak at it", "left out", "took");
    for (const auto& o : e.outcomes) {
        const auto sorted = o.sorted_done();
        const auto name = scenario::kStrategyNames[static_cast<std::size_t>(o.strategy)];
        const auto median = sorted[(sorted.size() - 1) / 2];
        std::printf("%-18.*s %12s %12s %12s %10s %14s %10s %9s\n", static_cast<int>(name.size()),
                    name.data(), median == flow::kNotDone ? "–" : duration_words(median).c_str(),
                    duration_words(o.last_done()).c_str(),
                    (short_number(o.images_from_origin()) + " im.").c_str(),
                    percent_words(1 - o.images_from_origin() / e.devices).c_str(),
                    rate_words(o.peak_wire_bps).c_str(), short_number(o.unfinished()).c_str(),
                    duration_words(o.seconds).c_str());
    }
    std::size_t columns = 0;
    for (const auto& o : e.outcomes) columns = std::max(columns, o.column_bytes);
    std::printf(
        "\nplanning took %s; at most %s bytes a device in columns beside the planner's %s\n",
        duration_words(e.seconds_planning).c_str(),
        short_number(static_cast<double>(columns) / e.devices).c_str(),
        short_number(static_cast<double>(e.planner_bytes) / e.devices).c_str());
}

}  // namespace

int run_command(Args args) {
    auto arguments = read_arguments(args, kOptions);
    if (!arguments) return refuse("run", arguments.error());
    if (arguments.value().options.is_on("help")) return print_help(), 0;
    const bool is_quiet = arguments.value().options.is_on("quiet");
    auto scenario = read_scenario(arguments.value());
    if (!scenario) return refuse("run", scenario.error());
    const auto& s = scenario.value();
    auto memory = memory_line(s, 1);
    if (!memory)
        return refuse("run",
                      Error{arguments.value().places.front() + ": " + memory.error().message});
    auto folder = open_folder(arguments.value(), "results");
    if (!folder) return refuse("run", folder.error());
    if (!is_quiet)
        std::printf("%s: seed %llu, %s\n", s.name.c_str(), static_cast<unsigned long long>(s.seed),
                    memory.value().c_str());
    auto experiment = [&] {
        Progress bar(s.name, is_quiet);
        return experiment::run_experiment(s, s.seed, [&](double part) { bar.show(part); });
    }();
    if (!experiment) return refuse("run", experiment.error());
    const auto& e = experiment.value();
    if (!is_quiet) print_table(e);

    auto& to = folder.value();
    const auto summary = results::summary_json(s, e);
    const auto timeseries = results::timeseries_csv(s, e);
    const auto write = [&]() -> Result<void> {
        SLUICE_CHECK(to.write("summary.json", summary));
        SLUICE_CHECK(to.write("timeseries.csv", timeseries));
        if (arguments.value().options.is_on("devices-csv"))
            SLUICE_CHECK(to.write("devices.csv", results::devices_csv(e)));
        return finish(to, s, summary, timeseries, "");
    };
    if (const auto written = write(); !written) return refuse("run", written.error());
    if (!is_quiet) std::printf("results in %s/, open report.html\n", to.directory().c_str());
    return 0;
}

}  // namespace sluice::sim::cli
