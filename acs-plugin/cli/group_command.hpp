#pragma once
// `sluice group list|show`: which devices share, who leads them, and why.

namespace CLI {
class App;
}

namespace sluice::cli {

void add_group_command(CLI::App& app);

}  // namespace sluice::cli
