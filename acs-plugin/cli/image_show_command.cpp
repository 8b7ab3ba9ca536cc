// `sluice image show`: what a manifest says, where there is such a file; else what the ACS knows of
// an image of that name. Nothing is checked beyond that it can be read.

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "acs-plugin/cli/api_client.hpp"
#include "acs-plugin/cli/command.hpp"
#include "acs-plugin/cli/files.hpp"
#include "acs-plugin/cli/image_command.hpp"
#include "acs-plugin/cli/manifest_table.hpp"
#include "acs-plugin/cli/terminal.hpp"
#include "engine/image/manifest.hpp"
#include "engine/image/manifest_json.hpp"

namespace sluice::cli {
namespace {

void print_json(const image::UnverifiedManifest& read) {
    nlohmann::ordered_json out;
    out["manifest"] = nlohmann::ordered_json::parse(image::to_payload(read.manifest));
    out["signed_by"] = nlohmann::ordered_json::array();
    for (const auto& keyid : read.keyids) out["signed_by"].push_back(keyid.hex());
    out["signatures_checked"] = false;
    std::cout << out.dump(2) << "\n";
}

void print_table(const image::UnverifiedManifest& read) {
    std::cout << to_table(read.manifest);
    Table table;
    for (const auto& keyid : read.keyids) table.row("signed by", keyid.hex());
    if (read.keyids.empty()) table.row("signed by", styled("nobody", Style::bad));
    std::cout << "\n"
              << table.text()
              << styled("Signatures are claims until `sluice image verify` checked them.",
                        Style::dim)
              << "\n";
}

Result<void> show(const Path& path, bool is_json) {
    SLUICE_TRY(const auto text, read_file(path, image::kMaxEnvelope));
    const auto read = image::read_manifest(text);
    if (!read) return image::to_error(read.error()).within(path.string());
    is_json ? print_json(read.value()) : print_table(read.value());
    return success();
}

}  // namespace

void add_image_show_command(CLI::App& image) {
    auto* command =
        image.add_subcommand("show",
                             "Show what a manifest says, or an image that the ACS has.\n"
                             "Checks no signature.");
    const auto named = std::make_shared<std::string>();
    const auto is_json = std::make_shared<bool>(false);
    command
        ->add_option("MANIFEST", *named,
                     "the signed envelope, <name>.manifest.json;\n"
                     "or a published image's name or id")
        ->required();
    command->add_flag("--json", *is_json, "for programs");
    const auto api = add_api_options(*command);
    command->callback([=] {
        // A path that is not there is still meant as one.
        const bool is_path = named->find('/') != std::string::npos || named->ends_with(".json") ||
                             std::filesystem::exists(*named);
        finish(is_path ? show(*named, *is_json) : show_published(*api, *named, *is_json));
    });
}

}  // namespace sluice::cli
