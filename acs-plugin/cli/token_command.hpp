#pragma once
// `sluice token`: who may use the REST API, and for what.

namespace CLI {
class App;
}

namespace sluice::cli {

void add_token_command(CLI::App& app);

}  // namespace sluice::cli
