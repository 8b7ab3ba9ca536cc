#include "acs-plugin/cli/image_command.hpp"

#include <CLI/CLI.hpp>

namespace sluice::cli {

void add_image_command(CLI::App& app) {
    auto* image = app.add_subcommand(
        "image", "Make and check manifests of firmware images; give images to the ACS");
    image->require_subcommand(1);
    add_image_pack_command(*image);
    add_image_show_command(*image);
    add_image_verify_command(*image);
    add_image_publish_command(*image);
    add_image_list_command(*image);
}

}  // namespace sluice::cli
