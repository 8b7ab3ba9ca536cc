#pragma once
// `sluice webhook`: where the ACS sends events to.

namespace CLI {
class App;
}

namespace sluice::cli {

void add_webhook_command(CLI::App& app);

}  // namespace sluice::cli
