#pragma once
// `sluice keygen`: a new Ed25519 signing key.

namespace CLI {
class App;
}

namespace sluice::cli {

void add_keygen_command(CLI::App& app);

}  // namespace sluice::cli
