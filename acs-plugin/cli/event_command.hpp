#pragma once
// `sluice events` and `sluice audit`: what happened, and who did it.

namespace CLI {
class App;
}

namespace sluice::cli {

void add_event_commands(CLI::App& app);

}  // namespace sluice::cli
