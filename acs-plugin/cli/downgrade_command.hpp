#pragma once
// `sluice downgrade`: the signed order that lets one device take an older security version.

namespace CLI {
class App;
}

namespace sluice::cli {

void add_downgrade_command(CLI::App& app);

}  // namespace sluice::cli
