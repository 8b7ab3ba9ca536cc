#include <algorithm>
#include <cstdio>
#include <optional>
#include <thread>

#include "sim/cli/commands.hpp"
#include "sim/cli/output.hpp"
#include "sim/cli/progress.hpp"
#include "sim/mpi/processes.hpp"
#include "sim/results/rows_text.hpp"
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

Result<Task> task_of(const Arguments& arguments, std::uint32_t processes) {
    SLUICE_TRY(auto s, read_scenario(arguments));
    std::vector<results::Vary> axes;
    for (const auto& text : arguments.varies) {
        SLUICE_TRY(auto axis, results::parse_vary(text));
        axes.push_back(std::move(axis));
    }
    SLUICE_TRY(const auto replications, arguments.options.number("replications", 5, 10'000));
    // Launched several times, each process takes one core unless told otherwise.
    const auto cores = processes > 1 ? 1u : std::max(1u, std::thread::hardware_concurrency());
    SLUICE_TRY(const auto jobs, arguments.options.number("jobs", cores, 1024));
    if (replications == 0) return Error{"--replications: is 0"};
    if (jobs == 0) return Error{"--jobs: is 0"};
    SLUICE_TRY(auto sweep,
               results::Sweep::plan(s, std::move(axes), static_cast<std::uint32_t>(replications)));
    return Task{std::move(s), std::move(sweep), static_cast<std::uint32_t>(jobs)};
}

// What a process says beside its rows: nothing, or why it has none.
struct Share {
    std::vector<results::SweepRow> rows;
    std::string fault;
};

Share run_share(const Task& task, const mpi::Processes& processes, Progress& bar) {
    const auto of = processes.count();
    auto rows = task.sweep.run(processes.rank(), of, task.jobs, [&](std::size_t done) {
        bar.show(static_cast<double>(done) * of / static_cast<double>(task.sweep.runs()));
    });
    if (!rows) return {{}, rows.error().message};
    return {std::move(rows).value(), ""};
}

// At the first process all rows; what went wrong anywhere, there.
Result<std::vector<results::SweepRow>> merge(const Share& own, const mpi::Processes& processes) {
    for (const auto& fault : processes.gather(own.fault))
        if (!fault.empty()) return Error{fault};
    std::vector<results::SweepRow> rows;
    for (const auto& text : processes.gather(results::to_text(own.rows)))
        SLUICE_CHECK(results::read_rows(text, rows));
    return rows;
}

}  // namespace

int sweep_command(Args args) {
    auto arguments = read_arguments(args, kOptions);
    if (!arguments) return refuse("sweep", arguments.error());
    if (arguments.value().options.is_on("help")) return print_help(), 0;
    auto joined = mpi::Processes::join();
    if (!joined) return refuse("sweep", joined.error());
    const auto& processes = joined.value();
    // All find the same faults; the first one says them.
    const auto say = [&](const Error& error) {
        return processes.is_first() ? refuse("sweep", error) : kExitWrongUse;
    };
    auto task = task_of(arguments.value(), processes.count());
    if (!task) return say(task.error());
    const auto& [s, sweep, jobs] = task.value();
    auto memory = memory_line(s, std::min<std::size_t>(jobs, sweep.runs()));
    if (!memory)
        return say(Error{arguments.value().places.front() + ": " + memory.error().message});
    const bool is_quiet = !processes.is_first() || arguments.value().options.is_on("quiet");
    std::optional<Result<results::Folder>> opened;
    if (processes.is_first()) opened.emplace(open_folder(arguments.value(), "sweep"));
    if (!processes.do_all(!opened || opened->has_value()))
        return opened ? refuse("sweep", opened->error()) : kExitWrongUse;
    if (!is_quiet)
        std::printf("%s: %zu runs from seed %llu on, %s\n", s.name.c_str(), sweep.runs(),
                    static_cast<unsigned long long>(s.seed), memory.value().c_str());
    const auto share = [&, &all = task.value()] {
        Progress bar(all.scenario.name, is_quiet);
        return run_share(all, processes, bar);
    }();
    auto rows = merge(share, processes);
    if (!processes.is_first()) return 0;
    if (!rows) return refuse("sweep", rows.error());

    auto& to = opened->value();
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
