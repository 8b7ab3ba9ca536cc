#pragma once
// One self-contained HTML page out of a results folder: what `run` or `sweep` left there.

#include <string>

#include "engine/base/result.hpp"

namespace sluice::sim::report {

struct Sources {
    std::string summary;     // summary.json; empty for a sweep
    std::string timeseries;  // timeseries.csv
    std::string ci;          // ci.csv; empty for a run
    std::string scenario;    // scenario.toml, shown at the end
};

Result<std::string> make_page(const Sources& sources);

}  // namespace sluice::sim::report
