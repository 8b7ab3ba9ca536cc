// `sluice image pack`: one pass over an image that copies it, hashes what it copies, and leaves
// three files beside one another: <name>.bin, <name>.bin.layer and, last, <name>.manifest.json. The
// copy is what was hashed, whatever happens to the original meanwhile; where there is a manifest,
// the other two are whole and durable.

#include <CLI/CLI.hpp>
#include <iostream>

#include "acs-plugin/cli/calendar.hpp"
#include "acs-plugin/cli/command.hpp"
#include "acs-plugin/cli/image_command.hpp"
#include "acs-plugin/cli/keys.hpp"
#include "acs-plugin/cli/manifest_table.hpp"
#include "acs-plugin/cli/terminal.hpp"
#include "engine/image/image_digester.hpp"
#include "engine/image/manifest.hpp"
#include "engine/image/merkle.hpp"

namespace sluice::cli {
namespace {

struct PackOptions {
    Path image;
    Path out;
    std::vector<Path> keys;
    std::uint64_t piece_length = 0;  // 0: by the image's length
    std::string created;
    std::string expires = "365d";
    bool is_without_copy = false;
    bool is_forced = false;
    image::Manifest manifest;  // what the options say of it
};

struct PackedFiles {
    Path image, layer, manifest;
};

PackedFiles files_of(const PackOptions& options) {
    const auto base = (options.out / options.manifest.name).string();
    return {base + ".bin", base + ".bin.layer", base + ".manifest.json"};
}

Result<image::PieceLayout> layout_of(const PackOptions& options) {
    SLUICE_TRY(const auto length, length_of(options.image));
    if (length == 0) return Error{options.image.string() + ": is empty"};
    if (length > image::kMaxImageLength)
        return Error{options.image.string() + ": has more than 4 GiB"};
    auto wanted = options.piece_length;
    if (wanted == 0) wanted = image::default_piece_length(length);
    return image::PieceLayout{length, static_cast<std::uint32_t>(wanted)};
}

// Hashes the image and, unless it is to stay alone, copies it on the way.
Result<image::ImageDigests> digest_and_copy(const PackOptions& options,
                                            const image::PieceLayout& layout, PendingFile* copy) {
    image::ImageDigester digester(layout);
    Progress progress("packing", layout.length);
    SLUICE_CHECK(read_pieces(options.image, layout.length, layout.piece_length,
                             [&](ByteView piece) -> Result<void> {
                                 digester.add_piece(piece);
                                 progress.advance(piece.size());
                                 if (copy != nullptr) return copy->append(piece);
                                 return success();
                             }));
    return digester.finish();
}

// What the options say, complete and checked as a device would: before gigabytes are read for
// nothing.
Result<image::Manifest> manifest_of(const PackOptions& options) {
    auto manifest = options.manifest;
    manifest.created = utc_now();
    if (!options.created.empty()) {
        SLUICE_TRY(const auto created, parse_when(options.created, manifest.created));
        manifest.created = created;
    }
    SLUICE_TRY(const auto expires, parse_when(options.expires, manifest.created));
    manifest.expires = expires;
    auto any_image = manifest;
    any_image.layout = {1, image::kMinPieceLength};
    any_image.image = image::image_id(any_image.layout, any_image.pieces_root);
    const auto envelope = image::make_manifest(any_image, {});
    if (!envelope) return Error{envelope.error().detail};
    return manifest;
}

image::Manifest with_digests(image::Manifest manifest, const image::ImageDigests& digests) {
    manifest.image = digests.id;
    manifest.layout = digests.layout;
    manifest.pieces_root = digests.pieces_root;
    manifest.sha256 = digests.sha256;
    return manifest;
}

// A manifest never stands beside files that it is not of: an old one goes first, the new one
// comes last.
Result<void> publish(const PackOptions& options, const PackedFiles& files, PendingFile* copy,
                     const image::ImageDigests& digests, const std::string& envelope) {
    const auto overwrite = options.is_forced ? Overwrite::yes : Overwrite::no;
    if (options.is_forced) SLUICE_CHECK(remove_file(files.manifest));
    if (copy != nullptr) SLUICE_CHECK(copy->commit(overwrite));
    const auto layer = image::raw_layer(digests.layer);
    SLUICE_CHECK(write_file(files.layer, as_text(layer), 0644, overwrite));
    return write_file(files.manifest, envelope, 0644, overwrite);
}

Result<void> pack(const PackOptions& options, const image::Manifest& described) {
    const auto files = files_of(options);
    SLUICE_TRY(const auto keys, read_signing_keys(options.keys));
    SLUICE_TRY(const auto layout, layout_of(options));
    std::error_code error;
    std::filesystem::create_directories(options.out, error);
    if (error) return Error{options.out.string() + ": cannot be created: " + error.message()};
    for (const auto& path : {files.image, files.layer, files.manifest})
        if (!options.is_forced && std::filesystem::exists(path, error))
            return Error{path.string() + ": exists; --force replaces it"};

    std::optional<PendingFile> copy;
    if (!options.is_without_copy) {
        SLUICE_TRY(auto pending, PendingFile::create(files.image, 0644));
        copy.emplace(std::move(pending));
    }
    auto* copy_to = copy ? &*copy : nullptr;
    SLUICE_TRY(const auto digests, digest_and_copy(options, layout, copy_to));
    const auto manifest = with_digests(described, digests);
    const auto envelope = image::make_manifest(manifest, keys);
    if (!envelope) return Error{"manifest: " + envelope.error().detail};
    SLUICE_CHECK(publish(options, files, copy_to, digests, envelope.value()));

    std::cout << to_table(manifest);
    Table table;
    if (copy_to != nullptr) table.row("image", files.image.string());
    table.row("layer", files.layer.string());
    table.row("manifest", files.manifest.string() + ", signed by " + std::to_string(keys.size()) +
                              (keys.size() == 1 ? " key" : " keys"));
    std::cout << "\n" << table.text();
    return success();
}

void check_piece_length(std::uint64_t piece_length) {
    if (piece_length != 0 &&
        !image::is_valid({1, static_cast<std::uint32_t>(std::min<std::uint64_t>(
                                 piece_length, image::kMaxPieceLength + 1))}))
        wrong_use("--piece-length: not a power of two from 16K to 1M");
}

void add_identity_options(CLI::App& command, image::Manifest& manifest) {
    const auto group = "The image";
    command.add_option("--name", manifest.name, "names files and URLs: letters, digits, . _ -")
        ->type_name("NAME")
        ->group(group)
        ->required();
    command
        .add_option("--version", manifest.software_version,
                    "the software version that devices will report")
        ->type_name("VERSION")
        ->group(group)
        ->required();
    command
        .add_option("--security-version", manifest.security_version,
                    "devices that committed a higher one refuse the image")
        ->type_name("N")
        ->group(group)
        ->required();
    command.add_flag("--vendor-verified", manifest.vendor_verified,
                     "devices check a vendor's signature in it by themselves");
    command.get_option("--vendor-verified")->group(group);
}

void add_device_options(CLI::App& command, image::Manifest& manifest) {
    const auto group = "The devices it is for";
    auto& device = manifest.device;
    command.add_option("--manufacturer", device.manufacturer)
        ->type_name("NAME")
        ->description("as the devices report it")
        ->group(group)
        ->required();
    command.add_option("--oui", device.oui, "six hex digits, upper case")
        ->type_name("HEX")
        ->group(group)
        ->required();
    command.add_option("--product-class", device.product_class, "as the devices report it")
        ->type_name("NAME")
        ->group(group)
        ->required();
    command
        .add_option("--hardware-version", device.hardware_versions,
                    "as the devices report it; repeat for several")
        ->type_name("VERSION")
        ->allow_extra_args(false)
        ->group(group)
        ->required();
    command
        .add_option("--from-version", manifest.from_versions,
                    "only devices that run it; repeat for several; any if not given")
        ->type_name("VERSION")
        ->allow_extra_args(false)
        ->group(group);
}

void add_making_options(CLI::App& command, PackOptions& options) {
    const auto group = "Making it";
    command.add_option("--key", options.keys, "private key that signs; repeat for a threshold")
        ->type_name("FILE")
        ->allow_extra_args(false)
        ->group(group)
        ->required();
    command.add_option("--out", options.out, "folder for <name>.bin, .bin.layer, .manifest.json")
        ->type_name("DIR")
        ->group(group)
        ->required();
    command
        .add_option("--expires", options.expires,
                    "2027-03-01, 2027-03-01T12:00:00Z, or days from creation")
        ->type_name("WHEN")
        ->capture_default_str()
        ->group(group);
    command
        .add_option("--created", options.created, "for reproducible manifests; now if not given")
        ->type_name("WHEN")
        ->group(group);
    command
        .add_option("--piece-length", options.piece_length,
                    "16K to 1M; chosen for 256 to 511 pieces if not given")
        ->option_text("SIZE")
        ->transform(CLI::AsSizeValue(false))
        ->group(group);
    command.add_flag("--no-copy", options.is_without_copy, "leave the image where it is")
        ->group(group);
    command.add_flag("--force", options.is_forced, "replace what is there")->group(group);
}

}  // namespace

void add_image_pack_command(CLI::App& image) {
    auto* command = image.add_subcommand(
        "pack",
        "Make an image's manifest and piece layer.\n"
        "The folder can be served as it is: each file is there whole or not at all.");
    const auto options = std::make_shared<PackOptions>();
    command->add_option("IMAGE", options->image, "the firmware image, 1 byte to 4 GiB")->required();
    add_identity_options(*command, options->manifest);
    add_device_options(*command, options->manifest);
    add_making_options(*command, *options);
    command->footer(
        "Example:\n"
        "  sluice image pack gw3.bin --name gw3-4.2.1 --version 4.2.1 --security-version 7 \\\n"
        "    --manufacturer ACME --oui 00D09E --product-class GW3 --hardware-version A \\\n"
        "    --key keys/release-a.pem --key keys/release-b.pem --out images");
    command->callback([options] {
        check_piece_length(options->piece_length);
        const auto manifest = manifest_of(*options);
        if (!manifest) wrong_use(manifest.error().message);
        finish(pack(*options, manifest.value()));
    });
}

}  // namespace sluice::cli
