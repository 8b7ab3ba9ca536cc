#pragma once
// Rows of a sweep as text, exact to the last bit: how a process hands its share to the first one.

#include <string>
#include <string_view>
#include <vector>

#include "sim/results/sweep.hpp"

namespace sluice::sim::results {

std::string to_text(const std::vector<SweepRow>& rows);
// Adds them to `rows`.
Result<void> read_rows(std::string_view text, std::vector<SweepRow>& rows);

}  // namespace sluice::sim::results
