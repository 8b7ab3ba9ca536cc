#pragma once
// `sluice sign`: one more signature on a manifest, trust file or downgrade order, for key holders
// who never share a machine.

namespace CLI {
class App;
}

namespace sluice::cli {

void add_sign_command(CLI::App& app);

}  // namespace sluice::cli
