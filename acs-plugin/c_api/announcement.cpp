#include "acs-plugin/c_api/announcement.hpp"

#include "engine/grouping/json_reader.hpp"
#include "engine/image/manifest.hpp"

namespace sluice::c_api {
namespace {

constexpr std::size_t kMaxAnnouncement = 2 * image::kMaxEnvelope;  // escaped into JSON
constexpr std::size_t kMaxName = 128;
constexpr std::size_t kMaxVersion = 64;

}  // namespace

// What the manifest says of length and version, Planner::publish fills in itself.
Result<service::ImageRow> parse_announcement(std::string_view json) {
    SLUICE_TRY(auto document, grouping::JsonDocument::parse(json, kMaxAnnouncement));
    auto root = document.root(grouping::UnknownKeys::refused);
    service::ImageRow out;
    if (auto file = root.object_if_any("configuration")) {
        out.is_firmware = false;
        out.name = file->text("name", 1, kMaxName);
        out.software_version = file->text("version", 1, kMaxVersion);
        out.length = file->number("length", 1, image::kMaxImageLength);
        out.id = file->text("sha256", 64, 64);
        file->finish();
    } else {
        out.manifest = root.text("manifest", 1, image::kMaxEnvelope);
    }
    root.finish();
    SLUICE_CHECK(document.verdict());
    if (!out.is_firmware) return out;
    const auto read = image::read_manifest(out.manifest);
    if (!read.has_value()) return to_error(read.error()).within("manifest");
    out.id = read.value().manifest.image.hex();
    out.name = read.value().manifest.name;
    return out;
}

}  // namespace sluice::c_api
