#include <algorithm>
#include <cstdio>
#include <thread>

#include "sim/cli/commands.hpp"
#include "sim/cli/output.hpp"
#include "sim/cli/progress.hpp"
#include "sim/results/parts.hpp"
#include "sim/results/sweep.hpp"
#include "sim/scenario/read.hpp"

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
        "sweep.csv (a row a run) and ci.csv (means with 95 %% intervals).\n"
        "'mpirun -n 4 sluice-sim sweep …' spreads the runs over processes: same bytes.\n\n"
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
    // Launched several times, each process takes one core unless told otherwise.
    const auto cores = results::part_of_environment().of > 1
                           ? 1u
                           : std::max(1u, std::thread::hardware_concurrency());
    SLUICE_TRY(const auto jobs, arguments.options.number("jobs", cores, 1024));
    if (replications == 0) return Error{"--replications: is 0"};
    if (jobs == 0) return Error{"--jobs: is 0"};
    SLUICE_TRY(auto sweep,
               results::Sweep::plan(s, std::move(axes), static_cast<std::uint32_t>(replications)));
    return Task{std::move(s), std::move(sweep), static_cast<std::uint32_t>(jobs)};
}

// What makes two sweeps the same: all that their rows come from.
std::string plan_text(const Arguments& arguments, const Task& task) {
    auto out = scenario::to_toml(task.scenario);
    for (const auto& axis : arguments.varies) out += axis + "\n";
    return out + std::to_string(task.sweep.runs());
}

// Not the first of several processes: its rows go where the first one looks for them.
int run_part(const Arguments& arguments, const Task& task, results::Part part) {
    const auto rows = task.sweep.run(part.rank, part.of, task.jobs, {});
    if (!rows) return refuse("sweep", rows.error());
    const auto path =
        results::part_path(folder_path(arguments, "sweep"), part, plan_text(arguments, task));
    const auto written = results::write_part(path, rows.value());
    return written ? 0 : refuse("sweep", written.error());
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
    const auto part = results::part_of_environment();
    if (part.rank > 0) return run_part(arguments.value(), task.value(), part);
    auto folder = open_folder(arguments.value(), "sweep");
    if (!folder) return refuse("sweep", folder.error());
    if (!is_quiet)
        std::printf("%s: %zu runs from seed %llu on, %s\n", s.name.c_str(), sweep.runs(),
                    static_cast<unsigned long long>(s.seed), memory.value().c_str());
    auto rows = [&, &plan = sweep, threads = jobs] {
        Progress bar(s.name, is_quiet);
        return plan.run(0, part.of, threads, [&](std::size_t done) {
            bar.show(static_cast<double>(done) * part.of / static_cast<double>(plan.runs()));
        });
    }();
    if (!rows) return refuse("sweep", rows.error());
    for (std::uint32_t rank = 1; rank < part.of; ++rank) {
        const auto path = results::part_path(folder.value().directory(), {rank, part.of},
                                             plan_text(arguments.value(), task.value()));
        if (const auto done = results::gather_part(path, rows.value()); !done)
            return refuse("sweep", done.error(), kExitFailed);
    }

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
