// `sluice image verify`: what a device would check of a manifest and an image, step by step, except
// what only the device knows (its model and its security version).

#include <CLI/CLI.hpp>
#include <iostream>

#include "acs-plugin/cli/calendar.hpp"
#include "acs-plugin/cli/command.hpp"
#include "acs-plugin/cli/image_command.hpp"
#include "acs-plugin/cli/keys.hpp"
#include "acs-plugin/cli/terminal.hpp"
#include "engine/base/utc.hpp"
#include "engine/image/image_digester.hpp"
#include "engine/image/manifest.hpp"
#include "engine/image/merkle.hpp"

namespace sluice::cli {
namespace {

struct VerifyOptions {
    Path image, manifest, trust, layer;
    std::string at;  // empty: now
};

void passed(const std::string& what) {
    std::cout << styled("ok", Style::good) << "  " << what << "\n";
}

Error refused(const Path& path, image::Reason why, std::string detail) {
    return image::to_error({why, std::move(detail)}).within(path.string());
}

Result<image::ImageDigests> digest(const Path& path, const image::PieceLayout& layout) {
    image::ImageDigester digester(layout);
    Progress progress("verifying", layout.length);
    SLUICE_CHECK(read_pieces(path, layout.length, layout.piece_length, [&](ByteView piece) {
        digester.add_piece(piece);
        progress.advance(piece.size());
        return Result<void>(success());
    }));
    return digester.finish();
}

Result<void> check_time(const VerifyOptions& options, const image::Manifest& manifest) {
    auto at = utc_now();
    if (!options.at.empty()) {
        SLUICE_TRY(const auto given, parse_when(options.at, at));
        at = given;
    }
    if (at >= manifest.expires)
        return refused(options.manifest, image::Reason::expired,
                       "at " + format_utc(manifest.expires));
    passed("expires " + format_utc(manifest.expires));
    return success();
}

Result<void> check_image(const VerifyOptions& options, const image::Manifest& manifest) {
    SLUICE_TRY(const auto length, length_of(options.image));
    if (length != manifest.layout.length)
        return refused(options.image, image::Reason::bad_image,
                       std::to_string(length) + " bytes, the manifest says " +
                           std::to_string(manifest.layout.length));
    SLUICE_TRY(const auto digests, digest(options.image, manifest.layout));
    if (digests.sha256 != manifest.sha256)
        return refused(options.image, image::Reason::bad_image, "SHA-256 " + digests.sha256.hex());
    if (digests.pieces_root != manifest.pieces_root)
        return refused(options.image, image::Reason::bad_root, digests.pieces_root.hex());
    passed("image " + manifest.image.hex());
    return success();
}

Result<void> check_layer(const VerifyOptions& options, const image::Manifest& manifest) {
    if (options.layer.empty()) return success();
    SLUICE_TRY(const auto raw, read_file(options.layer, image::kMaxImageLength / 512));
    const auto layer =
        image::PieceLayer::prove(manifest.layout, manifest.pieces_root, as_bytes(raw));
    if (!layer) return refused(options.layer, image::Reason::bad_root, layer.error().message);
    passed("piece layer, " + std::to_string(manifest.layout.piece_count()) + " pieces");
    return success();
}

Result<void> verify(const VerifyOptions& options) {
    SLUICE_TRY(const auto trust, read_trust(options.trust));
    SLUICE_TRY(const auto envelope, read_file(options.manifest, image::kMaxEnvelope));
    const auto manifest = image::verify_manifest_signatures(envelope, trust);
    if (!manifest) return image::to_error(manifest.error()).within(options.manifest.string());
    passed("signatures of " + std::to_string(trust.threshold) + " of the " +
           std::to_string(trust.keys.size()) + " keys of trust version " +
           std::to_string(trust.version));
    SLUICE_CHECK(check_time(options, manifest.value()));
    SLUICE_CHECK(check_layer(options, manifest.value()));
    return check_image(options, manifest.value());
}

}  // namespace

void add_image_verify_command(CLI::App& image) {
    auto* command = image.add_subcommand(
        "verify",
        "Check an image and its manifest as a device would.\n"
        "Says what held, stops at the first thing that does not, and then exits with 1.");
    const auto options = std::make_shared<VerifyOptions>();
    command->add_option("IMAGE", options->image, "the firmware image")->required();
    command->add_option("MANIFEST", options->manifest, "the signed envelope")->required();
    command->add_option("--trust", options->trust, "the trust.json of the devices")
        ->type_name("FILE")
        ->required();
    command->add_option("--layer", options->layer, "also check this piece layer")
        ->type_name("FILE");
    command->add_option("--at", options->at, "judge expiry at this time; now if not given")
        ->type_name("WHEN");
    command->footer(
        "Example:\n"
        "  sluice image verify images/gw3-4.2.1.bin images/gw3-4.2.1.manifest.json \\\n"
        "    --trust trust.json --layer images/gw3-4.2.1.bin.layer");
    command->callback([options] { finish(verify(*options)); });
}

}  // namespace sluice::cli
