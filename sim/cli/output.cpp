#include "sim/cli/output.hpp"

#include <cstdio>
#include <unistd.h>

#include "sim/experiment/experiment.hpp"
#include "sim/report/page.hpp"
#include "sim/report/words.hpp"
#include "sim/scenario/read.hpp"

namespace sluice::sim::cli {

int refuse(std::string_view verb, const Error& error, int exit_code) {
    std::fflush(stdout);
    std::fprintf(stderr, "sluice-sim %.*s: %s\n", static_cast<int>(verb.size()), verb.data(),
                 error.message.c_str());
    return exit_code;
}

results::Path folder_path(const Arguments& arguments, std::string_view kind) {
    if (arguments.options.has("out")) return arguments.options.text("out");
    return results::Path(arguments.places.front()).stem().string() + "-" + std::string(kind);
}

Result<results::Folder> open_folder(const Arguments& arguments, std::string_view kind) {
    return results::Folder::create(folder_path(arguments, kind), arguments.options.is_on("force"));
}

Result<scenario::Scenario> read_scenario(const Arguments& arguments) {
    if (arguments.places.size() != 1)
        return Error{arguments.places.empty() ? "a scenario file is required"
                                              : "one scenario file at a time"};
    auto sets = arguments.sets;
    if (arguments.options.has("seed")) sets.push_back("seed=" + arguments.options.text("seed"));
    return scenario::read(arguments.places.front(), sets);
}

Result<std::string> memory_line(const scenario::Scenario& s, std::size_t at_once) {
    const auto bytes = experiment::estimate_bytes(s) * at_once;
    const auto there =
        static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
    const auto words = "about " + report::bytes_words(static_cast<double>(bytes)) + " of memory";
    if (static_cast<double>(bytes) > there)
        return Error{"fleet.devices: needs " + words + ", the machine has " +
                     report::bytes_words(there)};
    return words;
}

Result<void> finish(results::Folder& folder, const scenario::Scenario& s,
                    const std::string& summary, const std::string& timeseries,
                    const std::string& ci) {
    const auto toml = scenario::to_toml(s);
    SLUICE_CHECK(folder.write("scenario.toml", toml));
    SLUICE_TRY(const auto page, report::make_page({summary, timeseries, ci, toml}));
    SLUICE_CHECK(folder.write("report.html", page));
    return folder.commit();
}

}  // namespace sluice::sim::cli
