#pragma once
// `sluice trust init|rotate|show`: the file that tells devices which keys to believe.

namespace CLI {
class App;
}

namespace sluice::cli {

void add_trust_command(CLI::App& app);

}  // namespace sluice::cli
