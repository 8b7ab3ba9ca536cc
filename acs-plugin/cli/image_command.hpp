#pragma once
// `sluice image pack|show|verify`: manifests made, looked at, and checked against the bytes.

namespace CLI {
class App;
}

namespace sluice::cli {

void add_image_command(CLI::App& app);

// One file each; add_image_command calls them.
void add_image_pack_command(CLI::App& image);
void add_image_show_command(CLI::App& image);
void add_image_verify_command(CLI::App& image);

}  // namespace sluice::cli
