#pragma once
// `sluice plan`: one site out of a file, through the same inventory, grouping, election and
// planning as the ACS's, into one Assignment a device, with secrets. For labs, demonstrations, and
// for operators who want to see what a policy would do before a fleet does it.

#include <cstdint>
#include <iosfwd>
#include <string>

#include "acs-plugin/cli/files.hpp"
#include "engine/base/result.hpp"

namespace CLI {
class App;
}

namespace sluice::cli {

struct PlanOptions {
    Path site_file;
    Path manifest_file;
    Path policy_file;       // empty: the defaults
    Path rollout_key_file;  // 64 hex digits
    Path key_out_file;      // or: a new key is made and written here
    Path out_directory;     // empty: only the table
    std::string image_url;
    std::string layer_url;
    std::string rollout = "r1";
    std::uint64_t seed = 1;
    std::uint32_t valid_hours = 7 * 24;  // of the credentials: as long as a master retains
};

// Writes <out>/<name>.json for every agent and prints the plan, with the reasons, to `table`.
Result<void> plan_site(const PlanOptions& options, std::ostream& table);

void add_plan_command(CLI::App& app);

}  // namespace sluice::cli
