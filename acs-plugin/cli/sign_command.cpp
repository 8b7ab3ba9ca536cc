#include "acs-plugin/cli/sign_command.hpp"

#include <CLI/CLI.hpp>
#include <iostream>

#include "acs-plugin/cli/command.hpp"
#include "acs-plugin/cli/keys.hpp"
#include "acs-plugin/cli/terminal.hpp"
#include "engine/image/downgrade.hpp"
#include "engine/image/manifest.hpp"
#include "engine/image/trust.hpp"

namespace sluice::cli {
namespace {

std::string_view kind_of(std::string_view payload_type) {
    if (payload_type == image::kManifestType) return "manifest";
    if (payload_type == image::kTrustType) return "trust file";
    if (payload_type == image::kDowngradeType) return "downgrade order";
    return {};
}

Result<void> sign(const Path& path, const std::vector<Path>& key_files) {
    SLUICE_TRY(const auto keys, read_signing_keys(key_files));
    SLUICE_TRY(const auto text, read_file(path, image::kMaxEnvelope));
    auto envelope = image::parse_envelope(text);
    if (!envelope) return image::to_error(envelope.error()).within(path.string());
    const auto kind = kind_of(envelope.value().payload_type);
    if (kind.empty())
        return Error{path.string() + ": '" + envelope.value().payload_type +
                     "' is nothing that Sluice signs"};
    const auto before = envelope.value().signatures.size();
    image::add_signatures(envelope.value(), keys);
    const auto added = envelope.value().signatures.size() - before;
    if (added == 0) return Error{path.string() + ": already signed by the key given"};
    const auto out = image::to_json(envelope.value());
    if (const auto whole = image::parse_envelope(out); !whole)
        return image::to_error(whole.error()).within(path.string());
    SLUICE_CHECK(write_file(path, out, 0644, Overwrite::yes));
    Table table;
    table.row(kind, path.string());
    for (const auto& signature : envelope.value().signatures)
        table.row("signed by", signature.keyid.hex());
    std::cout << table.text();
    return success();
}

}  // namespace

void add_sign_command(CLI::App& app) {
    auto* command = app.add_subcommand(
        "sign",
        "Add a signature to a manifest, trust file or downgrade order.\n"
        "Look at what it says first: image show, trust show. Replaces the file in one step.");
    const auto path = std::make_shared<Path>();
    const auto keys = std::make_shared<std::vector<Path>>();
    command->add_option("FILE", *path, "the signed envelope")->required();
    command->add_option("--key", *keys, "private key that signs; repeat for several")
        ->type_name("FILE")
        ->allow_extra_args(false)
        ->required();
    command->callback([=] { finish(sign(*path, *keys)); });
}

}  // namespace sluice::cli
