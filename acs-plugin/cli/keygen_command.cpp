#include "acs-plugin/cli/keygen_command.hpp"

#include <CLI/CLI.hpp>
#include <iostream>

#include "acs-plugin/cli/command.hpp"
#include "acs-plugin/cli/keys.hpp"
#include "acs-plugin/cli/terminal.hpp"
#include "engine/image/key_file.hpp"

namespace sluice::cli {
namespace {

// "keys/" → "keys/sluice"; "keys/release" stays.
Path prefix_of(const Path& out) {
    std::error_code ignored;
    if (out.filename().empty() || std::filesystem::is_directory(out, ignored))
        return out / "sluice";
    return out;
}

Result<void> keygen(const Path& out) {
    const auto prefix = prefix_of(out);
    const Path secret = prefix.string() + ".pem";
    const Path open = prefix.string() + ".pub.pem";
    std::error_code ignored;
    if (std::filesystem::exists(open, ignored))
        return Error{open.string() + ": exists and is not overwritten"};
    SLUICE_TRY(const auto key, make_signing_key());
    SLUICE_CHECK(write_file(secret, image::to_private_pem(key), 0600, Overwrite::no));
    SLUICE_CHECK(write_file(open, image::to_public_pem(key.public_key()), 0644, Overwrite::no));
    Table table;
    table.row("key id", image::key_id(key.public_key()).hex());
    table.row("private key", secret.string() + styled("  keep it secret, keep a copy", Style::dim));
    table.row("public key", open.string());
    std::cout << table.text();
    return success();
}

}  // namespace

void add_keygen_command(CLI::App& app) {
    auto* command = app.add_subcommand(
        "keygen",
        "Make a new Ed25519 key that signs manifests and trust files.\n"
        "Nothing is ever overwritten. The files are PEM, as OpenSSL reads and writes them.");
    const auto out = std::make_shared<Path>();
    command
        ->add_option("--out", *out,
                     "where to: a folder, or a prefix: keys/release makes keys/release.pem\n"
                     "and keys/release.pub.pem")
        ->type_name("DIR|PREFIX")
        ->required();
    command->footer("Example:\n  sluice keygen --out keys/release-2026");
    command->callback([out] { finish(keygen(*out)); });
}

}  // namespace sluice::cli
