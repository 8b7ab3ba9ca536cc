#include "acs-plugin/rest/publishing.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include "engine/grouping/json_reader.hpp"
#include "engine/image/manifest.hpp"

namespace sluice::rest {
namespace {

constexpr std::size_t kUploads = 8;  // at a time
constexpr std::int64_t kAbandonedAfter_ms = 10 * 60 * 1000;
constexpr std::size_t kMaxAnnouncement = 2 * image::kMaxEnvelope;  // escaped into JSON
constexpr std::size_t kMaxName = 128;
constexpr std::size_t kMaxVersion = 64;

Result<Announced> firmware_of(const std::string& envelope) {
    const auto read = image::read_manifest(envelope);
    if (!read.has_value()) return to_error(read.error()).within("manifest");
    const auto& manifest = read.value().manifest;
    Announced out;
    out.expected = origin::expected_of(manifest);
    out.row.id = manifest.image.hex();
    out.row.name = manifest.name;
    out.row.software_version = manifest.software_version;
    out.row.manifest = envelope;
    out.row.length = manifest.layout.length;
    out.row.piece_length = manifest.layout.piece_length;
    out.row.is_vendor_verified = manifest.vendor_verified;
    return out;
}

Announced configuration_of(grouping::JsonReader& from) {
    Announced out;
    out.row.is_firmware = false;
    out.row.name = from.text("name", 1, kMaxName);
    out.row.software_version = from.text("version", 1, kMaxVersion);
    out.row.length = from.number("length", 1, image::kMaxImageLength);
    const auto sha256 = image::Digest::from_hex(from.text("sha256", 64, 64));
    if (!sha256) from.refuse("sha256", "is not 64 hex digits");
    if (sha256) out.expected.sha256 = *sha256;
    out.row.id = out.expected.id = out.expected.sha256.hex();
    out.expected.length = out.row.length;
    from.finish();
    return out;
}

}  // namespace

Result<Announced> parse_announcement(std::string_view json) {
    SLUICE_TRY(auto document, grouping::JsonDocument::parse(json, kMaxAnnouncement));
    auto root = document.root(grouping::UnknownKeys::refused);
    if (auto configuration = root.object_if_any("configuration")) {
        auto out = configuration_of(*configuration);
        root.finish();
        SLUICE_CHECK(document.verdict());
        return out;
    }
    const auto envelope = root.text("manifest", 1, image::kMaxEnvelope);
    root.finish();
    SLUICE_CHECK(document.verdict());
    return firmware_of(envelope);
}

Publishing::Publishing(boost::asio::io_context& io, origin::Shelf& shelf)
    : io_(io), shelf_(shelf), worker_(std::make_unique<boost::asio::thread_pool>(1)) {}

Publishing::~Publishing() {
    worker_->join();
}

Result<Standing> Publishing::begin(const Announced& announced, service::WallTime now) {
    if (auto standing = find(announced.row.id)) return *standing;
    drop_the_abandoned(now);
    if (all_.size() >= kUploads)
        return Error{std::to_string(kUploads) + " uploads are under way; finish one first"};
    SLUICE_TRY(auto upload, shelf_.begin(announced.expected));
    all_.emplace(announced.row.id, Each{announced.row, std::move(upload), 0, false, now});
    return Standing{announced.row, 0};
}

std::optional<Standing> Publishing::find(std::string_view id) const {
    const auto at = all_.find(id);
    if (at == all_.end()) return std::nullopt;
    return Standing{at->second.row, at->second.received};
}

bool Publishing::is_busy(std::string_view id) const {
    const auto at = all_.find(id);
    return at != all_.end() && at->second.is_busy;
}

void Publishing::put(std::string_view id, std::string bytes, service::WallTime now,
                     std::function<void(Result<Standing>)> done) {
    auto& each = all_.find(id)->second;
    each.is_busy = true;
    each.used = now;
    const auto write = [upload = each.upload](const std::string& portion) -> Result<void> {
        SLUICE_CHECK(upload->append(as_bytes(portion)));
        if (upload->received() < upload->expected().length) return success();
        return upload->finish();
    };
    boost::asio::post(*worker_, [this, write, key = std::string(id), portion = std::move(bytes),
                                 done = std::move(done), alive = std::weak_ptr<int>(alive_)] {
        auto written = write(portion);
        boost::asio::post(io_, [this, key, done, alive, size = portion.size(),
                                result = std::move(written)]() mutable {
            if (alive.expired()) return;
            const auto at = all_.find(key);
            at->second.is_busy = false;
            at->second.received += size;
            const Standing standing{at->second.row, at->second.received};
            if (!result.has_value() || standing.received == standing.row.length) all_.erase(at);
            if (!result.has_value()) return done(std::move(result).error());
            done(standing);
        });
    });
}

void Publishing::drop_the_abandoned(service::WallTime now) {
    std::erase_if(all_, [now](const auto& each) {
        return !each.second.is_busy && now.unix_ms - each.second.used.unix_ms > kAbandonedAfter_ms;
    });
}

}  // namespace sluice::rest
