#pragma once
// The verbs of sluice-sim. Each returns its exit code: 0, 1 (failed), 2 (wrong use, which a
// scenario that cannot be is too); what went wrong is one line on stderr.

#include <span>
#include <string_view>

namespace sluice::sim::cli {

using Args = std::span<const std::string_view>;

int run_command(Args args);
int sweep_command(Args args);
int report_command(Args args);
int validate_command(Args args);
int fleet_command(Args args);

}  // namespace sluice::sim::cli
