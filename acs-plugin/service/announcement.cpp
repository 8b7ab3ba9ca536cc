#include "acs-plugin/service/announcement.hpp"

#include "engine/grouping/json_reader.hpp"

namespace sluice::service {
namespace {

constexpr std::size_t kMaxAnnouncement = 2 * image::kMaxEnvelope;  // escaped into JSON
constexpr std::size_t kMaxName = 128;
constexpr std::size_t kMaxVersion = 64;

Result<Announcement> firmware_of(std::string envelope) {
    auto read = image::read_manifest(envelope);
    if (!read.has_value()) return to_error(read.error()).within("manifest");
    auto& manifest = read.value().manifest;
    Announcement out;
    out.row.id = manifest.image.hex();
    out.row.name = manifest.name;
    out.row.software_version = manifest.software_version;
    out.row.manifest = std::move(envelope);
    out.row.length = manifest.layout.length;
    out.row.piece_length = manifest.layout.piece_length;
    out.row.is_vendor_verified = manifest.vendor_verified;
    out.manifest = std::move(manifest);
    return out;
}

Announcement configuration_of(grouping::JsonReader& from) {
    Announcement out;
    out.row.is_firmware = false;
    out.row.name = from.text("name", 1, kMaxName);
    out.row.software_version = from.text("version", 1, kMaxVersion);
    out.row.length = from.number("length", 1, image::kMaxImageLength);
    const auto sha256 = image::Digest::from_hex(from.text("sha256", 64, 64));
    if (!sha256) from.refuse("sha256", "is not 64 hex digits");
    if (sha256) out.row.id = sha256->hex();
    from.finish();
    return out;
}

}  // namespace

Result<Announcement> parse_announcement(std::string_view json) {
    SLUICE_TRY(auto document, grouping::JsonDocument::parse(json, kMaxAnnouncement));
    auto root = document.root(grouping::UnknownKeys::refused);
    if (auto configuration = root.object_if_any("configuration")) {
        auto out = configuration_of(*configuration);
        root.finish();
        SLUICE_CHECK(document.verdict());
        return out;
    }
    auto envelope = root.text("manifest", 1, image::kMaxEnvelope);
    root.finish();
    SLUICE_CHECK(document.verdict());
    return firmware_of(std::move(envelope));
}

}  // namespace sluice::service
