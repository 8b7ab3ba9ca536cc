#include "acs-plugin/rest/publishing.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include "acs-plugin/service/announcement.hpp"

namespace sluice::rest {
namespace {

constexpr std::size_t kUploads = 8;  // at a time
constexpr std::int64_t kAbandonedAfter_ms = 10 * 60 * 1000;

}  // namespace

Result<Announced> parse_announcement(std::string_view json) {
    SLUICE_TRY(auto said, service::parse_announcement(json));
    Announced out;
    out.row = std::move(said.row);
    if (said.manifest) {
        out.expected = origin::expected_of(*said.manifest);
        return out;
    }
    out.expected.id = out.row.id;
    out.expected.sha256 = image::Digest::from_hex(out.row.id).value();
    out.expected.length = out.row.length;
    return out;
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
    all_.emplace(announced.row.id, Each{announced.row, std::move(upload), 0, false, 0, now});
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

void Publishing::hold(std::string_view id) {
    if (const auto at = all_.find(id); at != all_.end()) ++at->second.holders;
}

// Taken and begun anew meanwhile: nobody holds that one.
void Publishing::let_go(std::string_view id, service::WallTime now) {
    const auto at = all_.find(id);
    if (at == all_.end() || at->second.holders == 0) return;
    --at->second.holders;
    at->second.used = now;
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
            if (standing.received == standing.row.length) at->second.upload.reset();
            if (!result.has_value()) {
                all_.erase(at);
                return done(std::move(result).error());
            }
            done(standing);
        });
    });
}

std::optional<Standing> Publishing::take(std::string_view id) {
    auto out = find(id);
    if (out) all_.erase(all_.find(id));
    return out;
}

void Publishing::drop_the_abandoned(service::WallTime now) {
    std::erase_if(all_, [now](const auto& each) {
        const auto& [id, upload] = each;
        return !upload.is_busy && upload.holders == 0 &&
               now.unix_ms - upload.used.unix_ms > kAbandonedAfter_ms;
    });
}

}  // namespace sluice::rest
