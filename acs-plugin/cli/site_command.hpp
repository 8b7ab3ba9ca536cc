#pragma once
// `sluice site import`: the operator's own table of which device is at which site.

namespace CLI {
class App;
}

namespace sluice::cli {

void add_site_command(CLI::App& app);

}  // namespace sluice::cli
