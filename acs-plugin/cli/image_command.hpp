#pragma once
// `sluice image pack|show|verify|publish|list`: manifests made, looked at, and checked against the
// bytes; images given to the ACS.

#include <string>

#include "engine/base/result.hpp"

namespace CLI {
class App;
}

namespace sluice::cli {

struct ApiOptions;

void add_image_command(CLI::App& app);

// One file each; add_image_command calls them.
void add_image_pack_command(CLI::App& image);
void add_image_show_command(CLI::App& image);
void add_image_verify_command(CLI::App& image);
void add_image_publish_command(CLI::App& image);
void add_image_list_command(CLI::App& image);

// What the ACS knows of an image, for `show`.
Result<void> show_published(const ApiOptions& options, const std::string& named, bool is_json);

}  // namespace sluice::cli
