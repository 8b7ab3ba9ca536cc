#include <algorithm>
#include <cstdio>
#include <thread>

#include "sim/cli/commands.hpp"
#include "sim/cli/output.hpp"
#include "sim/cli/progress.hpp"
#include "sim/results/sweep.hpp"

namespace sluice::sim::cli {
namespace {

constexpr net::OptionSpec kOptions[] = {
    {"replications", "R", "runs at each point: seeds N, N+1, … (5)"},
    {"jobs", "N", "runs at a time (one a core)"},
    {"out", "DIR", "where the results go; without it, SCENARIO-sweep"},
    {"seed", "N", "instead of the scenario's"},
    {"force", "", "replace an older results folder"},
    {"quiet", "", "no progress bar"},
    {"help", "", "print this"},
};

void print_help() {
    std::printf(
        "Usage: sluice-sim sweep SCENARIO [--vary 'KEY=V1|V2|…']... [options]\n\n"
        "Runs every point of a grid with several seeds, the same ones everywhere, and writes\n"
        "sweep.csv (a row a run) and ci.csv (means with 95 %% intervals).\n\n"
        "Options:\n  --vary KEY=V1|V2|…  an axis of the grid; the last one runs fastest\n"
        "  --set KEY=VALUE     instead of the scenario's\n%s",
        net::describe(kOptions).c_str());
}

struct Task {
    scenario::Scenario scenario;
    results::Sweep sweep;
    std::uint32_t jobs;
};

Result<Task> task_of(const Arguments& arguments) {
    SLUICE_TRY(auto s, read_scenario(arguments));
    std::vector<results::Vary> axes;
    for (const auto& text : arguments.varies) {
        SLUICE_TRY(auto axis, results::parse_vary(text));
        axes.push_back(std::move(axis));
    }
    SLUICE_TRY(const auto replications, arguments.options.number("replications", 5, 10'000));
    const auto cores = std::max(1u, std::thread::hardware_concurrency());
    SLUICE_TRY(const auto jobs, arguments.options.number("jobs", cores, 1024));
    if (replications == 0) return Error{"--replications: is 0"};
    if (jobs == 0) return Error{"--jobs: is 0"};
    SLUICE_TRY(auto sweep,
               results::Sweep::plan(s, std::move(axes), static_cast<std::uint32_t>(replications)));
    return Task{std::move(s), std::move(sweep), static_cast<std::uint32_t>(jobs)};
}

}  // namespace

int sweep_command(Args args) {
    auto arguments = read_arguments(args, kOptions);
    if (!arguments) return refuse("sweep", arguments.error());
    if (arguments.value().options.is_on("help")) return print_help(), 0;
    const bool is_quiet = arguments.value().options.is_on("quiet");
    auto task = task_of(arguments.value());
    if (!task) return refuse("sweep", task.error());
    const auto& [s, sweep, jobs] = task.value();
    auto memory = memory_line(s, std::min<std::size_t>(jobs, sweep.runs()));
    if (!memory) return refuse("sweep", memory.error());
    auto folder = open_folder(arguments.value(), "sweep");
    if (!folder) return refuse("sweep", folder.error());
    if (!is_quiet)
        std::printf("%s: %zu runs from seed %llu on, %s\n", s.name.c_str(), sweep.runs(),
                    static_cast<unsigned long long>(s.seed), memory.value().c_str());
    auto rows = [&, &plan = sweep, threads = jobs] {
        Progress bar(s.name, is_quiet);
        return plan.run(0, 1, threads, [&](std::size_t done) {
            bar.show(static_cast<double>(done) / static_cast<double>(plan.runs()));
        });
    }();
    if (!rows) return refuse("sweep", rows.error());

    auto& to = folder.value();
    const auto ci = sweep.ci_csv(rows.value());
    const auto write = [&, &plan = sweep, &base = s]() -> Result<void> {
        SLUICE_CHECK(to.write("sweep.csv", plan.sweep_csv(rows.value())));
        SLUICE_CHECK(to.write("ci.csv", ci));
        return finish(to, base, "", "", ci);
    };
    if (const auto written = write(); !written) return refuse("sweep", written.error());
    if (!is_quiet) std::printf("results in %s/, open report.html\n", to.directory().c_str());
    return 0;
}

}  // namespace sluice::sim::cli
