#pragma once
// `sluice device list|show`: what the ACS knows of its devices.

namespace CLI {
class App;
}

namespace sluice::cli {

void add_device_command(CLI::App& app);

}  // namespace sluice::cli
