#pragma once
// `sluice device export|import|erase`: devices as a table in a file, and their end.

namespace CLI {
class App;
}

namespace sluice::cli {

void add_device_table_commands(CLI::App& device);

}  // namespace sluice::cli
