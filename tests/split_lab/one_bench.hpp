#pragma once
// The bench that all tests of this program share: a process changes its namespace once.

#include <string>

#include "tests/split_lab/bench.hpp"

namespace sluice::split::lab {

// Nothing where this machine does not permit one.
Bench* the_bench();
const std::string& why_no_bench();

}  // namespace sluice::split::lab
