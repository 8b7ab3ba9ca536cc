#pragma once
// A grid of scenarios, each with several replications: seeds are the scenario's seed, +1, +2, …,
// the same ones at every point of the grid (common random numbers). Runs go to threads in any order
// and are written in the grid's: same bytes for any number of threads or processes.

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "sim/experiment/experiment.hpp"

namespace sluice::sim::results {

struct Vary {
    std::string key;
    std::vector<std::string> values;
};
// "sites.size=1|2|5|10"
Result<Vary> parse_vary(std::string_view text);

struct SweepRow {
    std::uint32_t point = 0;
    std::uint32_t replication = 0;
    scenario::Strategy strategy{};
    std::vector<double> figures;  // experiment::figures()
};

class Sweep {
public:
    // All points are checked before the first one runs.
    static Result<Sweep> plan(const scenario::Scenario& base, std::vector<Vary> axes,
                              std::uint32_t replications);

    std::size_t runs() const { return points_.size() * replications_; }
    // Those with number % of == part: a process's share. `progress` is told runs done.
    Result<std::vector<SweepRow>> run(std::uint32_t part, std::uint32_t of, std::uint32_t threads,
                                      const std::function<void(std::size_t)>& progress) const;
    // Rows of all parts, in any order.
    std::string sweep_csv(std::vector<SweepRow> rows) const;
    std::string ci_csv(std::vector<SweepRow> rows) const;

private:
    std::vector<Vary> axes_;
    std::vector<scenario::Scenario> points_;
    std::vector<std::vector<std::string>> values_;  // by point, one an axis
    std::uint32_t replications_ = 1;
};

}  // namespace sluice::sim::results
