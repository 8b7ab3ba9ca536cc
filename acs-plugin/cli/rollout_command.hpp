#pragma once
// `sluice rollout start|status|watch|pause|resume|cancel`: an image to a fleet.

#include <memory>
#include <string>

#include "acs-plugin/cli/files.hpp"

namespace CLI {
class App;
}

namespace sluice::cli {

struct ApiOptions;

void add_rollout_command(CLI::App& app);

// One file each; add_rollout_command calls them.
void add_rollout_start_command(CLI::App& rollout);
void add_rollout_watch_command(CLI::App& rollout);

struct WatchOptions {
    std::shared_ptr<ApiOptions> api;
    std::string rollout;  // id, its beginning, or name; empty: the one started last
    Path json_file;       // what it cost, at the end; empty: none
    bool is_quiet = false;
};
// Until the rollout is over; an error when a device is not done then.
Result<void> watch_rollout(const WatchOptions& options);

}  // namespace sluice::cli
