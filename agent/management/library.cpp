#include "agent/management/library.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "agent/clock.hpp"
#include "agent/retention.hpp"
#include "engine/net/log.hpp"
#include "engine/net/random.hpp"
#include "engine/planning/assignment_json.hpp"

namespace sluice::agent::management {
namespace {

constexpr std::chrono::seconds kRetain = std::chrono::hours(7 * 24);  // DESIGN §5
constexpr std::size_t kMaxRetained = 16;

serving::ServerLimits limits_of(const RetainedImage& kept) {
    serving::ServerLimits limits;
    limits.slots = kept.slots;
    limits.reserved_slots = kept.reserved_slots;
    limits.rate_cap_bps = kept.rate_cap_bps;
    limits.cpu_gate_percent = kept.cpu_gate_percent;
    return limits;
}

// What the store says of an image, which was proved when it was saved and is proved again.
Result<std::pair<image::Manifest, std::string>> stored_manifest(disk::Disk& disk,
                                                                const std::string& root,
                                                                const image::ImageId& id,
                                                                const image::Trust& trust) {
    const auto path = root + "/" + id.hex() + "/manifest";
    auto bytes = disk::read_small_file(disk, path, 2 * image::kMaxEnvelope);
    if (!bytes) return Error{bytes.error().message};
    std::string envelope(as_text(bytes.value()));
    auto manifest = image::verify_manifest_signatures(envelope, trust);
    if (!manifest) return image::to_error(manifest.error()).within(path);
    if (const auto is_it = image::check_is_of(manifest.value(), id); !is_it)
        return image::to_error(is_it.error()).within(path);
    return std::pair(std::move(manifest).value(), std::move(envelope));
}

}  // namespace

// --- the server ----------------------------------------------------------------------------------

Result<void> Library::listen() {
    if (settings_.listen.empty()) return success();
    const auto start = [this](std::vector<net::ListenAddress> listen) {
        PeerServerOptions options;
        options.listen = std::move(listen);
        options.boot_id = net::random_block<std::uint32_t>().value() | 1;  // 0 means "none known"
        options.nonce_key = net::random_block<std::array<std::uint8_t, 32>>().value();
        options.clock = [] { return monotonic_now(); };
        options.utc = [this]() -> std::optional<UtcTime> {
            if (!clock_.has_acs_spoken()) return std::nullopt;
            return clock_.utc(monotonic_now());
        };
        options.cpu_percent = [this] { return cpu_.percent(); };
        options.log = [](const std::string& line) { net::log_info(line); };
        return PeerServer::start(io_, std::move(options));
    };
    auto& remembered = ledger_.state.peer_port;
    auto addresses = settings_.listen;
    const bool is_any = addresses.front().port == 0;
    for (auto& address : addresses)
        if (address.port == 0) address.port = remembered;
    auto started = start(addresses);
    if (!started && is_any && remembered != 0) started = start(settings_.listen);
    if (!started) return std::move(started).error().within("--listen");
    server_ = std::move(started).value();
    if (is_any) remembered = server_->port();
    return success();
}

std::string Library::url() const {
    if (!server_ || !is_enabled_) return {};
    const net::Url url{false, settings_.listen.front().address, server_->port(), "/"};
    return "http://" + url.authority();
}

void Library::set_enabled(bool is_enabled) {
    if (is_enabled == is_enabled_) return;
    is_enabled_ = is_enabled;
    if (!is_enabled) swarm_.reset();
    if (is_enabled) return serve_retained();
    for (auto& [id, image] : images_) {
        if (image->is_served) server_->remove_image(id);
        image->is_served = false;
    }
}

// --- images --------------------------------------------------------------------------------------

std::vector<image::ImageId> Library::in_use() const {
    std::vector<image::ImageId> ids;
    for (const auto& [id, image] : images_) ids.push_back(id);
    for (const auto& kept : ledger_.state.retained) ids.push_back(kept.id);
    return ids;
}

void Library::open(const image::Manifest& manifest, std::string envelope, Then then) {
    if (const auto at = images_.find(manifest.image); at != images_.end())
        return renew(at->second, manifest, std::move(envelope), std::move(then));
    worker_.post([this, manifest, envelope = std::move(envelope), then = std::move(then),
                  now = clock_.utc(monotonic_now()), used = in_use()] {
        auto opened = open_on_worker(manifest, envelope, now, used);
        boost::asio::post(io_, [this, then, opened = std::move(opened)]() mutable {
            if (!opened) return then(std::move(opened));
            const auto& id = opened.value()->manifest.image;
            then(images_.emplace(id, std::move(opened).value()).first->second);
        });
    });
}

// The same bytes under another signature, for other devices, or with a later end: what is said of
// them now counts, here and for those who take them from us.
void Library::renew(const std::shared_ptr<StoredImage>& image, const image::Manifest& manifest,
                    std::string envelope, Then then) {
    if (image->envelope == envelope) {
        boost::asio::post(io_, [then = std::move(then), image] { then(image); });
        return;
    }
    worker_.post([this, image, manifest, envelope = std::move(envelope), then = std::move(then)] {
        auto saved = image->store->save_manifest(as_bytes(envelope));
        boost::asio::post(io_, [this, image, manifest, envelope, then, saved = std::move(saved)] {
            if (!saved) return then(saved.error());
            image->manifest = manifest;
            image->envelope = envelope;
            if (image->is_served) server_->set_manifest(manifest.image, envelope);
            then(image);
        });
    });
}

Result<std::shared_ptr<StoredImage>> Library::open_on_worker(
    const image::Manifest& manifest, const std::string& envelope, UtcTime now,
    const std::vector<image::ImageId>& in_use) {
    auto image = std::make_shared<StoredImage>();
    image->manifest = manifest;
    image->envelope = envelope;
    SLUICE_TRY(image->store, open_making_room(disk_, settings_.store, manifest.image,
                                              manifest.layout, now, in_use));
    SLUICE_CHECK(image->store->save_manifest(as_bytes(envelope)));
    image->verified = PieceSet(manifest.layout.piece_count());
    const auto raw = image->store->load_layer();
    if (!raw) return image;
    auto layer = image::PieceLayer::prove(manifest.layout, manifest.pieces_root, *raw);
    if (!layer) return image;
    SLUICE_TRY(image->verified, image->store->resume(layer.value()));
    image->layer = std::make_shared<const image::PieceLayer>(std::move(layer).value());
    return image;
}

// --- serving -------------------------------------------------------------------------------------

void Library::serve(const std::shared_ptr<StoredImage>& image, const serving::Key& key,
                    const serving::ServerLimits& limits) {
    if (!server_ || !is_enabled_) return;
    server_->set_limits(limits);
    ServedImage served;
    served.id = image->manifest.image;
    served.layout = image->manifest.layout;
    served.verified = &image->verified;
    served.fd = image->store->fd();
    served.key = key;
    served.manifest = image->envelope;
    if (image->layer) served.layer = image->layer->raw();
    if (const auto added = server_->add_image(served); !added)
        return net::log_warning(added.error().message);
    image->is_served = true;
    net::log_info("serving", {{"id", served.id.hex()},
                              {"url", url()},
                              {"pieces", std::to_string(image->verified.count())}});
}

void Library::offer(const std::shared_ptr<StoredImage>& image,
                    const planning::ServingTerms& terms) {
    const auto key = serving::key_from_hex(terms.master_key_hex);
    if (!key) return net::log_warning("assignment: serving.key: not 64 hex digits");
    serving::ServerLimits limits;
    limits.slots = terms.slots;
    limits.reserved_slots = terms.reserved_slots;
    limits.rate_cap_bps = terms.rate_cap_bps;
    limits.cpu_gate_percent = terms.cpu_gate_percent;
    serve(image, *key, limits);
}

void Library::layer_known(const StoredImage& image) {
    if (image.is_served) server_->set_layer(image.manifest.image, image.layer->raw());
}

void Library::piece_verified(const StoredImage& image, PieceIndex piece) {
    if (image.is_served) server_->piece_verified(image.manifest.image, piece);
}

SwarmLink* Library::join_swarm(const std::shared_ptr<StoredImage>& image,
                               const planning::SwarmTerms& terms,
                               std::function<void(PieceIndex)> on_piece) {
    if (!server_ || !is_enabled_ || !can_swarm()) return nullptr;
    SwarmLink::Ears ears;
    ears.on_piece = [this, image, on_piece = std::move(on_piece)](PieceIndex piece) {
        piece_verified(*image, piece);
        if (on_piece) on_piece(piece);
    };
    ears.on_banned = [](const std::string& address) {
        net::log_warning("banned a peer of the swarm: a piece of its is proven wrong",
                         {{"address", address}});
    };
    swarm_.reset();
    swarm_image_ = image->manifest.image;
    swarm_ = std::make_unique<SwarmLink>(
        MembershipParts{io_, worker_, *image->store, image->manifest, image->layer, image->verified,
                        settings_.listen.front().address, [this] { return cpu_.percent(); },
                        [](const std::string& line) { net::log_info(line); }},
        terms, std::move(ears));
    return swarm_.get();
}

SwarmLink* Library::swarm_of(const image::ImageId& id) {
    return swarm_image_ == id ? swarm_.get() : nullptr;
}

void Library::retain(const StoredImage& image, const planning::Assignment& assignment) {
    if (!assignment.serving) return;
    const auto& terms = *assignment.serving;
    const auto key = serving::key_from_hex(terms.master_key_hex);
    if (!key) return;
    auto& kept = ledger_.state.retained;
    std::erase_if(kept, [&](const RetainedImage& r) { return r.id == image.manifest.image; });
    for (auto& other : kept) other.swarm.clear();  // one at a time
    // The oldest go first; their files stay until room is wanted.
    while (kept.size() >= kMaxRetained) kept.erase(kept.begin());
    kept.push_back({image.manifest.image,
                    UtcTime{clock_.utc(monotonic_now()).seconds + kRetain.count()}, *key,
                    terms.slots, terms.reserved_slots, terms.cpu_gate_percent, terms.rate_cap_bps,
                    assignment.swarm ? planning::to_json(*assignment.swarm) : std::string()});
}

bool Library::expire() {
    const auto now = clock_.utc(monotonic_now());
    std::vector<image::ImageId> over;
    for (const auto& kept : ledger_.state.retained)
        if (kept.until <= now) over.push_back(kept.id);
    for (const auto& id : over) {
        std::erase_if(ledger_.state.retained, [&](const RetainedImage& r) { return r.id == id; });
        const auto at = images_.find(id);
        if (at == images_.end()) continue;
        if (at->second->is_served) server_->remove_image(id);
        if (swarm_image_ == id) swarm_.reset();
        images_.erase(at);
    }
    return !over.empty();
}

void Library::serve_retained() {
    if (!server_ || !is_enabled_) return;
    const bool is_under_way = !to_serve_.empty();
    to_serve_.clear();
    for (const auto& kept : ledger_.state.retained) to_serve_.push_back(kept.id);
    if (!is_under_way) serve_next_retained();
}

void Library::serve_next_retained() {
    if (to_serve_.empty()) return;
    const auto id = to_serve_.back();
    const auto go_on = [this, id] {
        std::erase(to_serve_, id);
        serve_next_retained();
    };
    if (const auto at = images_.find(id); at != images_.end()) {
        serve_kept(at->second);
        return go_on();
    }
    worker_.post([this, id, go_on, now = clock_.utc(monotonic_now()), used = in_use()] {
        auto found = stored_manifest(disk_, settings_.store, id, settings_.trust);
        Result<std::shared_ptr<StoredImage>> opened = Error{};
        if (found) {
            opened = open_on_worker(found.value().first, found.value().second, now, used);
        } else {
            opened = found.error();
        }
        boost::asio::post(io_, [this, id, go_on, opened = std::move(opened)]() mutable {
            if (opened) {
                serve_kept(images_.emplace(id, std::move(opened).value()).first->second);
            } else {
                net::log_warning("a kept image is not served: " + opened.error().message);
            }
            go_on();
        });
    });
}

void Library::serve_kept(const std::shared_ptr<StoredImage>& image) {
    const auto& all = ledger_.state.retained;
    const auto kept = std::find_if(all.begin(), all.end(), [&](const RetainedImage& r) {
        return r.id == image->manifest.image;
    });
    if (kept == all.end() || image->is_served) return;
    serve(image, kept->key, limits_of(*kept));
    if (!kept->swarm.empty()) swarm_on(image, kept->swarm);
}

// As before the restart, unless an order has joined it or another one already.
void Library::swarm_on(const std::shared_ptr<StoredImage>& image, const std::string& terms) {
    if (swarm_ || !image->layer) return;
    const auto swarm = planning::parse_swarm(terms);
    if (!swarm) return net::log_warning("a kept swarm: " + swarm.error().message);
    join_swarm(image, swarm.value());
}

}  // namespace sluice::agent::management
