#pragma once
// What the verbs share: refusals, the results folder, the memory that a run will take.

#include <string>

#include "sim/cli/arguments.hpp"
#include "sim/results/folder.hpp"
#include "sim/scenario/scenario.hpp"

namespace sluice::sim::cli {

int refuse(std::string_view verb, const Error& error, int exit_code = kExitWrongUse);

// --out, or NAME-results beside nothing in particular: in the working directory.
results::Path folder_path(const Arguments& arguments, std::string_view kind);
Result<results::Folder> open_folder(const Arguments& arguments, std::string_view kind);
// The one scenario named, with --set and --seed.
Result<scenario::Scenario> read_scenario(const Arguments& arguments);
// "about 250 MiB of memory"; refused when the machine has less.
Result<std::string> memory_line(const scenario::Scenario& scenario, std::size_t at_once);
// scenario.toml and, where there is something to draw, report.html; then the folder is there.
Result<void> finish(results::Folder& folder, const scenario::Scenario& scenario,
                    const std::string& summary, const std::string& timeseries,
                    const std::string& ci);

}  // namespace sluice::sim::cli
