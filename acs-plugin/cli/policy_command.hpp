#pragma once
// `sluice policy`: how the ACS groups devices, elects masters and plans copies.

namespace CLI {
class App;
}

namespace sluice::cli {

void add_policy_command(CLI::App& app);

}  // namespace sluice::cli
