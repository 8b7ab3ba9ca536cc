#pragma once
// `sluice backup list|show|download|restore|delete|rotate`: devices' configurations.

namespace CLI {
class App;
}

namespace sluice::cli {

void add_backup_command(CLI::App& app);

}  // namespace sluice::cli
