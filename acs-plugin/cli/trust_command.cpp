#include "acs-plugin/cli/trust_command.hpp"

#include <CLI/CLI.hpp>
#include <iostream>

#include "acs-plugin/cli/command.hpp"
#include "acs-plugin/cli/keys.hpp"
#include "acs-plugin/cli/terminal.hpp"

namespace sluice::cli {
namespace {

struct TrustOptions {
    Path current;  // rotate, show
    Path out;
    std::uint32_t threshold = 0;       // 0: as it was, or 1
    std::vector<Path> pinned;          // key files to add
    std::vector<std::string> removed;  // names or key ids
    std::vector<Path> signers;
    bool is_draft = false;  // others sign later, with `sluice sign`
};

void print(const image::Trust& trust) {
    Table table;
    table.row("version", std::to_string(trust.version));
    table.row("threshold", std::to_string(trust.threshold) + " of " +
                               std::to_string(trust.keys.size()) + " keys must sign");
    for (const auto& pinned : trust.keys)
        table.row("key", image::key_id(pinned.key).hex() + "  " + pinned.name);
    std::cout << table.text();
}

Result<void> pin(image::Trust& trust, const std::vector<Path>& paths) {
    for (const auto& path : paths) {
        SLUICE_TRY(auto pinned, read_pinned_key(path));
        if (trust.find(image::key_id(pinned.key)) != nullptr)
            return Error{path.string() + ": this key is already pinned"};
        trust.keys.push_back(std::move(pinned));
    }
    return success();
}

Result<void> remove(image::Trust& trust, const std::vector<std::string>& names) {
    for (const auto& name : names) {
        const auto is_named = [&](const image::PinnedKey& pinned) {
            return pinned.name == name || image::key_id(pinned.key).hex() == name;
        };
        const auto removed = std::erase_if(trust.keys, is_named);
        if (removed == 0) return Error{"--remove: no pinned key is called '" + name + "'"};
        if (removed > 1)
            return Error{"--remove: several keys are called '" + name + "'; give the id"};
    }
    return success();
}

Result<void> init(const TrustOptions& options) {
    image::Trust trust{1, std::max(1u, options.threshold), {}};
    SLUICE_CHECK(pin(trust, options.pinned));
    SLUICE_TRY(const auto signers, read_signing_keys(options.signers));
    const auto file =
        options.is_draft ? image::draft_trust(trust, signers) : image::make_trust(trust, signers);
    if (!file) return image::to_error(file.error());
    SLUICE_CHECK(write_file(options.out, file.value(), 0644, Overwrite::no));
    print(trust);
    return success();
}

Result<void> rotate(const TrustOptions& options) {
    SLUICE_TRY(const auto current, read_trust(options.current));
    auto next = current;
    ++next.version;
    if (options.threshold != 0) next.threshold = options.threshold;
    SLUICE_CHECK(remove(next, options.removed));
    SLUICE_CHECK(pin(next, options.pinned));
    SLUICE_TRY(const auto signers, read_signing_keys(options.signers));
    const auto file =
        options.is_draft ? image::draft_trust(next, signers) : image::make_trust(next, signers);
    if (!file) return image::to_error(file.error()).within("for the new keys");
    // What a device will ask; better now than in the field.
    const auto accepted = image::accept_trust(current, file.value());
    if (!accepted && !options.is_draft)
        return image::to_error(accepted.error()).within("for the keys in force");
    SLUICE_CHECK(write_file(options.out, file.value(), 0644, Overwrite::no));
    print(next);
    return success();
}

Result<void> show(const TrustOptions& options) {
    SLUICE_TRY(const auto trust, read_trust(options.current));
    print(trust);
    return success();
}

void add_shared_options(CLI::App& command, TrustOptions& options) {
    command.add_option("--key", options.signers, "private key that signs; repeat for several")
        ->type_name("FILE")
        ->allow_extra_args(false)
        ->required();
    command.add_flag("--draft", options.is_draft,
                     "write it with too few signatures too; others add theirs: sluice sign");
    command.add_option("--threshold", options.threshold, "how many keys must sign manifests")
        ->option_text("N")
        ->check(CLI::Range(1, static_cast<int>(image::kMaxPinnedKeys)));
    command.add_option("--out", options.out, "the file to write; never overwritten")
        ->type_name("FILE")
        ->required();
}

void add_init(CLI::App& trust, const std::shared_ptr<TrustOptions>& options) {
    auto* command =
        trust.add_subcommand("init",
                             "Make the first trust file, for devices to be born with.\n"
                             "As many of the pinned keys as the threshold says must sign it.");
    command
        ->add_option("--pin", options->pinned,
                     "key to believe, public or private; repeat for several")
        ->type_name("FILE")
        ->allow_extra_args(false)
        ->required();
    add_shared_options(*command, *options);
    command->footer(
        "Example:\n"
        "  sluice trust init --pin keys/a.pub.pem --pin keys/b.pub.pem --pin keys/c.pub.pem \\\n"
        "    --threshold 2 --key keys/a.pem --key keys/b.pem --out trust.json");
    command->callback([options] { finish(init(*options)); });
}

void add_rotate(CLI::App& trust, const std::shared_ptr<TrustOptions>& options) {
    auto* command = trust.add_subcommand(
        "rotate",
        "Replace keys: the next version of a trust file.\n"
        "Signed by the threshold of the keys in force, or no device takes it, and by that of the\n"
        "new ones, so that nobody locks himself out.");
    command->add_option("CURRENT", options->current, "the trust file in force")->required();
    command->add_option("--pin", options->pinned, "key to add; repeat for several")
        ->type_name("FILE")
        ->allow_extra_args(false);
    command
        ->add_option("--remove", options->removed,
                     "key to drop, by name or key id; repeat for several")
        ->type_name("KEY")
        ->allow_extra_args(false);
    add_shared_options(*command, *options);
    command->footer(
        "Example:\n"
        "  sluice trust rotate trust.json --remove a --pin keys/d.pub.pem \\\n"
        "    --key keys/b.pem --key keys/c.pem --out trust-2.json");
    command->callback([options] { finish(rotate(*options)); });
}

void add_show(CLI::App& trust, const std::shared_ptr<TrustOptions>& options) {
    auto* command = trust.add_subcommand("show", "Show which keys a trust file pins");
    command->add_option("TRUST", options->current, "the trust file")->required();
    command->callback([options] { finish(show(*options)); });
}

}  // namespace

void add_trust_command(CLI::App& app) {
    auto* trust = app.add_subcommand("trust", "Decide which keys devices believe");
    trust->require_subcommand(1);
    const auto options = std::make_shared<TrustOptions>();
    add_init(*trust, options);
    add_rotate(*trust, options);
    add_show(*trust, options);
}

}  // namespace sluice::cli
