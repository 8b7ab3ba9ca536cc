#include "acs-plugin/cli/image_command.hpp"

#include <CLI/CLI.hpp>

namespace sluice::cli {

void add_image_command(CLI::App& app) {
    auto* image = app.add_subcommand("image", "Make, show and check manifests of firmware images");
    image->require_subcommand(1);
    add_image_pack_command(*image);
    add_image_show_command(*image);
    add_image_verify_command(*image);
}

}  // namespace sluice::cli
