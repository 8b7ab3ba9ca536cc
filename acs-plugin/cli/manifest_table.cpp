#include "acs-plugin/cli/manifest_table.hpp"

#include "acs-plugin/cli/terminal.hpp"
#include "engine/base/utc.hpp"

namespace sluice::cli {
namespace {

std::string joined(const std::vector<std::string>& texts, std::string_view when_empty) {
    std::string out;
    for (const auto& text : texts) out += (out.empty() ? "" : ", ") + text;
    return out.empty() ? std::string(when_empty) : out;
}

}  // namespace

std::string to_table(const image::Manifest& manifest) {
    const auto& layout = manifest.layout;
    Table table;
    table.row("name", styled(manifest.name, Style::bold));
    table.row("version", manifest.software_version);
    table.row("image id", manifest.image.hex());
    table.row("length", bytes_for_people(layout.length));
    table.row("pieces", std::to_string(layout.piece_count()) + " of " +
                            std::to_string(layout.piece_length / 1024) + " KiB");
    table.row("pieces root", manifest.pieces_root.hex());
    table.row("sha256", manifest.sha256.hex());
    table.row("for", manifest.device.manufacturer + " " + manifest.device.product_class + " (OUI " +
                         manifest.device.oui + ")");
    table.row("hardware", joined(manifest.device.hardware_versions, ""));
    table.row("from versions", joined(manifest.from_versions, "any"));
    table.row("security", "version " + std::to_string(manifest.security_version));
    table.row("created", format_utc(manifest.created));
    table.row("expires", format_utc(manifest.expires));
    table.row("vendor check",
              manifest.vendor_verified ? "yes: devices check the vendor's own signature" : "no");
    return table.text();
}

}  // namespace sluice::cli
