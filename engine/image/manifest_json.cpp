#include "engine/image/manifest_json.hpp"

#include <limits>
#include <nlohmann/json.hpp>

#include "engine/base/utc.hpp"
#include "engine/image/merkle.hpp"
#include "engine/image/strict_json.hpp"

namespace sluice::image {
namespace {

constexpr std::size_t kMaxVersions = 64;
constexpr std::size_t kMaxName = 128;
constexpr std::uint64_t kMaxSecurityVersion = std::numeric_limits<std::uint32_t>::max();

constexpr std::string_view kKnown[] = {
    "version",          "image",   "name",    "software_version", "device",  "from_versions",
    "security_version", "created", "expires", "vendor_verified",  "critical"};

void read_image(const ObjectReader& image, Manifest& out) {
    out.image.digest = image.digest("id");
    out.layout.length = image.number("length", 1, kMaxImageLength);
    out.layout.piece_length =
        static_cast<std::uint32_t>(image.number("piece_length", kMinPieceLength, kMaxPieceLength));
    if (!is_valid(out.layout)) image.refuse("piece_length", "not a power of two");
    out.pieces_root = image.digest("pieces_root");
    out.sha256 = image.digest("sha256");
}

void read_device(const ObjectReader& device, DeviceModel& out) {
    out.manufacturer = device.text("manufacturer");
    out.oui = device.oui("oui");
    out.product_class = device.text("product_class");
    out.hardware_versions = device.texts("hardware_versions", kMaxVersions);
    if (out.hardware_versions.empty()) device.refuse("hardware_versions", "names none");
}

// It becomes a file's name and a part of URLs.
std::string read_name(const ObjectReader& root) {
    auto name = root.text("name", kMaxName);
    static constexpr std::string_view kAllowed =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    if (name.starts_with('.') || name.find_first_not_of(kAllowed) != std::string::npos)
        root.refuse("name", "not letters, digits, '.', '_' and '-', or starts with '.'");
    return name;
}

}  // namespace

Result<Manifest, Refused> parse_manifest_payload(std::string_view json) {
    SLUICE_TRY(const auto document, JsonDocument::parse(json, kMaxEnvelope));
    std::optional<Refused> fault;
    const auto root = document.root(fault);
    root.number("version", 1, 1);
    check_critical(root, kKnown, fault);
    Manifest out;
    read_image(root.object("image"), out);
    out.name = read_name(root);
    out.software_version = root.text("software_version");
    read_device(root.object("device"), out.device);
    out.from_versions = root.texts("from_versions", kMaxVersions);
    out.security_version =
        static_cast<std::uint32_t>(root.number("security_version", 0, kMaxSecurityVersion));
    out.created = root.utc("created");
    out.expires = root.utc("expires");
    out.vendor_verified = root.boolean("vendor_verified");
    if (out.expires <= out.created) root.refuse("expires", "not after created");
    if (fault) return *fault;
    if (image_id(out.layout, out.pieces_root) != out.image)
        return Refused{Reason::bad_root, "image " + out.image.hex() + " has another pieces root"};
    return out;
}

std::string to_payload(const Manifest& manifest) {
    nlohmann::ordered_json out;
    out["version"] = 1;
    out["image"] = {{"id", manifest.image.hex()},
                    {"length", manifest.layout.length},
                    {"piece_length", manifest.layout.piece_length},
                    {"pieces_root", manifest.pieces_root.hex()},
                    {"sha256", manifest.sha256.hex()}};
    out["name"] = manifest.name;
    out["software_version"] = manifest.software_version;
    out["device"] = {{"manufacturer", manifest.device.manufacturer},
                     {"oui", manifest.device.oui},
                     {"product_class", manifest.device.product_class},
                     {"hardware_versions", manifest.device.hardware_versions}};
    out["from_versions"] = manifest.from_versions;
    out["security_version"] = manifest.security_version;
    out["created"] = format_utc(manifest.created);
    out["expires"] = format_utc(manifest.expires);
    out["vendor_verified"] = manifest.vendor_verified;
    out["critical"] = nlohmann::ordered_json::array();
    using Handler = nlohmann::ordered_json::error_handler_t;
    return out.dump(1, ' ', false, Handler::replace);
}

}  // namespace sluice::image
