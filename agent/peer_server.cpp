#include "agent/peer_server.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <unordered_map>

#include "agent/peer_admission.hpp"
#include "engine/base/overloaded.hpp"
#include "engine/http/conditional.hpp"
#include "engine/http/have.hpp"
#include "engine/http/range.hpp"
#include "engine/http/target.hpp"

namespace sluice::agent {
namespace {

constexpr std::size_t kMaxImages = 256;
constexpr std::size_t kLayerStep = 64 * 1024;  // of a layer in memory twice, per connection
constexpr Duration kCpuSampleEvery = 1s;
constexpr Duration kLogEvery = 1s;
constexpr std::string_view kAgentProduct = "sluice-agent";  // of User-Agent: sets agents apart
constexpr char kOctets[] = "application/octet-stream";
constexpr char kEnvelope[] = "application/vnd.dsse.envelope.v1+json";

struct Image {
    image::ImageId id;
    image::PieceLayout layout;
    const PieceSet* verified = nullptr;
    int fd = -1;
    serving::Key key{};
    std::string etag;
    std::string manifest;
    std::shared_ptr<const Bytes> layer;  // shared with answers under way
};

// A request for image bytes, from TransferRequested to its end.
struct Transfer {
    serving::ImageSlot slot;
    http::ResolvedRange range;
};
// A layer too long for one text.
struct LayerStream {
    std::shared_ptr<const Bytes> bytes;
    std::size_t handed = 0;
    std::size_t sent = 0;
};
// Waits for a layer or manifest that is not known yet.
struct Held {
    net::ExchangeId id;
    serving::ImageSlot slot;
    http::PeerResource resource;
    Instant until;
};

net::HttpResponse plain_answer(unsigned status, std::string_view text) {
    net::HttpResponse out{status, {{"Content-Type", "text/plain"}}, std::string(text)};
    out.body += '\n';
    return out;
}
net::HttpResponse busy_answer(std::uint32_t retry_after_s, std::string_view why) {
    auto out = plain_answer(503, why);
    out.fields.emplace_back("Retry-After", std::to_string(retry_after_s));
    return out;
}

net::ExchangeId exchange_of(serving::TransferId id) {
    return net::ExchangeId{id.value};
}
serving::TransferId transfer_of(net::ExchangeId id) {
    return serving::TransferId{id.value};
}

}  // namespace

struct PeerServer::Impl final : net::HttpHandler {
    Impl(boost::asio::io_context& io, PeerServerOptions o)
        : options(std::move(o)),
          admission(options.nonce_key, options.nonces),
          server(options.serving, options.boot_id),
          timer(io),
          http(io, *this, options.http, options.log) {}

    void on_request(const net::HttpRequest& request, net::ExchangeId id) override;
    void on_sent(net::ExchangeId id, std::uint32_t bytes) override;
    void on_closed(net::ExchangeId id) override;

    void answer_image(const net::HttpRequest& request, net::ExchangeId id, serving::ImageSlot slot);
    void answer_known(net::ExchangeId id, const Image& image, http::PeerResource resource);
    void answer_or_hold(net::ExchangeId id, serving::ImageSlot slot, http::PeerResource resource);
    void stream_layer(net::ExchangeId id, LayerStream& stream);
    void release_held(serving::ImageSlot slot);
    void deny(const net::HttpRequest& request, net::ExchangeId id, PeerAdmission::Verdict verdict);
    void sample_cpu();

    void feed(const serving::Event& event);
    void perform(const serving::Action& action);
    void accept(const serving::Accept& action);
    void send(const serving::Send& action);
    void answer_have(const serving::AnswerHave& action);
    void pass_time();
    void arm_timer();

    Instant now() const { return options.clock(); }
    std::optional<serving::ImageSlot> slot_of(const image::ImageId& id) const;
    Image* image_at(serving::ImageSlot slot);

    PeerServerOptions options;
    PeerAdmission admission;
    serving::Server server;
    PeerServerCounters counters;
    std::vector<std::optional<Image>> images;  // by ImageSlot
    std::unordered_map<std::uint32_t, Transfer> transfers;
    std::unordered_map<std::uint32_t, LayerStream> layer_streams;
    std::vector<Held> held;
    serving::Actions actions;
    bool is_performing = false;
    std::optional<Instant> cpu_sampled_at;
    std::optional<Instant> logged_at;
    Instant timer_at = Instant::never();
    boost::asio::steady_timer timer;
    std::uint16_t first_port = 0;
    net::HttpServer http;  // last: it calls this object
};

// --- requests ---------------------------------------------------------------------------------

void PeerServer::Impl::on_request(const net::HttpRequest& request, net::ExchangeId id) {
    if (request.method() != "GET" && request.method() != "HEAD") {
        auto refusal = plain_answer(405, "GET and HEAD only");
        refusal.fields.emplace_back("Allow", "GET, HEAD");
        return http.answer(id, refusal);
    }
    const auto target = http::parse_peer_target(request.target());
    if (!target) return http.answer(id, plain_answer(404, "no such resource"));
    const auto slot = slot_of(image::ImageId{{target->image_id}});
    if (!slot) return http.answer(id, plain_answer(404, "no such image here"));
    const auto& image = *image_at(*slot);
    const auto utc = options.utc ? options.utc() : std::nullopt;
    const auto verdict = admission.judge(request, image.key, image.id, now(), utc);
    if (verdict != PeerAdmission::Verdict::granted) return deny(request, id, verdict);
    switch (target->resource) {
        case http::PeerResource::image:
            return answer_image(request, id, *slot);
        case http::PeerResource::have:
            return feed(
                serving::HaveRequested{transfer_of(id), *slot, target->after, target->boot});
        case http::PeerResource::layer:
        case http::PeerResource::manifest:
            return answer_or_hold(id, *slot, target->resource);
    }
}

void PeerServer::Impl::deny(const net::HttpRequest& request, net::ExchangeId id,
                            PeerAdmission::Verdict verdict) {
    using Verdict = PeerAdmission::Verdict;
    counters.denied_malformed += verdict == Verdict::malformed;
    counters.denied_forged += verdict == Verdict::forged;
    counters.denied_expired += verdict == Verdict::expired;
    counters.denied_no_clock += verdict == Verdict::clock_unset;
    const bool is_news = verdict != Verdict::challenge && verdict != Verdict::stale;
    // At most a line a second, however many knock.
    if (is_news && options.log && (!logged_at || now() - *logged_at >= kLogEvery)) {
        logged_at = now();
        options.log("peer " + request.client_address() +
                    " denied: " + std::string(describe(verdict)));
    }
    http.answer(id, admission.denial(verdict, now()));
}

void PeerServer::Impl::answer_image(const net::HttpRequest& request, net::ExchangeId id,
                                    serving::ImageSlot slot) {
    const auto& image = *image_at(slot);
    if (http::is_none_match_hit(request.field("If-None-Match"), image.etag))
        return http.answer(id, {304, {{"ETag", image.etag}}, {}});
    if (request.method() == "HEAD")  // Range is defined for GET alone (RFC 9110 §14.2)
        return http.start(
            id,
            {200,
             {{"Content-Type", kOctets}, {"Accept-Ranges", "bytes"}, {"ETag", image.etag}},
             {}},
            image.layout.length);
    auto wanted = request.field("Range");
    if (!http::is_if_range_met(request.field("If-Range"), image.etag)) wanted = {};
    const auto range = http::resolve_range(wanted, image.layout.length);
    if (range.kind == http::RangeKind::unsatisfiable) {
        auto refusal = plain_answer(416, "no such bytes");
        refusal.fields.emplace_back("Content-Range",
                                    http::format_unsatisfied_range(image.layout.length));
        return http.answer(id, refusal);
    }
    const auto client = request.field("User-Agent").starts_with(kAgentProduct)
                            ? serving::Client::agent
                            : serving::Client::plain;
    sample_cpu();
    transfers.emplace(id.value, Transfer{slot, range});
    feed(serving::TransferRequested{transfer_of(id), slot, client, range.bytes.begin,
                                    range.bytes.end});
}

void PeerServer::Impl::answer_known(net::ExchangeId id, const Image& image,
                                    http::PeerResource resource) {
    if (resource == http::PeerResource::manifest)
        return http.answer(id, {200, {{"Content-Type", kEnvelope}}, image.manifest});
    http.start(id, {200, {{"Content-Type", kOctets}}, {}}, image.layer->size());
    auto& stream = layer_streams[id.value] = LayerStream{image.layer};
    stream_layer(id, stream);
}

void PeerServer::Impl::answer_or_hold(net::ExchangeId id, serving::ImageSlot slot,
                                      http::PeerResource resource) {
    const auto& image = *image_at(slot);
    const bool is_known =
        resource == http::PeerResource::layer ? image.layer != nullptr : !image.manifest.empty();
    if (is_known) return answer_known(id, image, resource);
    held.push_back({id, slot, resource, now() + options.hold_limit});
    arm_timer();
}

// Hands over one step; on_sent comes back for the next.
void PeerServer::Impl::stream_layer(net::ExchangeId id, LayerStream& stream) {
    const auto step = std::min(kLayerStep, stream.bytes->size() - stream.handed);
    const auto text = as_text(ByteView(*stream.bytes).subspan(stream.handed, step));
    stream.handed += step;
    http.send_text(id, std::string(text));
}

void PeerServer::Impl::release_held(serving::ImageSlot slot) {
    std::vector<Held> ready;
    const auto& image = *image_at(slot);
    std::erase_if(held, [&](const Held& h) {
        const bool is_known = h.resource == http::PeerResource::layer ? image.layer != nullptr
                                                                      : !image.manifest.empty();
        if (h.slot != slot || !is_known) return false;
        ready.push_back(h);
        return true;
    });
    for (const auto& h : ready) answer_known(h.id, image, h.resource);
}

void PeerServer::Impl::on_sent(net::ExchangeId id, std::uint32_t bytes) {
    if (const auto layer = layer_streams.find(id.value); layer != layer_streams.end()) {
        auto& stream = layer->second;
        stream.sent += bytes;
        if (stream.sent == stream.bytes->size()) {
            layer_streams.erase(layer);
        } else if (stream.sent == stream.handed) {
            stream_layer(id, stream);
        }
        return;
    }
    counters.bytes_sent += bytes;
    feed(serving::BytesSent{transfer_of(id), bytes});
}

void PeerServer::Impl::on_closed(net::ExchangeId id) {
    transfers.erase(id.value);
    layer_streams.erase(id.value);
    std::erase_if(held, [id](const Held& h) { return h.id == id; });
    feed(serving::TransferClosed{transfer_of(id)});
}

void PeerServer::Impl::sample_cpu() {
    if (!options.cpu_percent) return;
    if (cpu_sampled_at && now() - *cpu_sampled_at < kCpuSampleEvery) return;
    cpu_sampled_at = now();
    feed(serving::CpuSampled{options.cpu_percent()});
}

// --- the engine -------------------------------------------------------------------------------

// Performing an action can end an answer and so bring the next request, whose actions then queue
// up behind: nothing is performed inside something else.
void PeerServer::Impl::feed(const serving::Event& event) {
    server.on(event, now(), actions);
    if (is_performing) return;
    is_performing = true;
    for (std::size_t i = 0; i < actions.size(); ++i) {
        const auto action = actions[i];  // `actions` may grow and move
        perform(action);
    }
    actions.clear();
    is_performing = false;
    arm_timer();
}

void PeerServer::Impl::perform(const serving::Action& action) {
    std::visit(
        Overloaded{
            [&](const serving::Accept& a) { accept(a); },
            [&](const serving::Refuse& a) {
                transfers.erase(a.id.value);
                if (a.why == serving::Refusal::not_serving)
                    return http.answer(exchange_of(a.id), plain_answer(404, "no such image here"));
                ++counters.refused_busy;
                http.answer(
                    exchange_of(a.id),
                    busy_answer(a.retry_after_s,
                                a.why == serving::Refusal::cpu_busy ? "CPU busy" : "no slot"));
            },
            [&](const serving::Send& a) { send(a); },
            [&](const serving::Complete& a) { transfers.erase(a.id.value); },
            [&](const serving::Drop& a) {
                transfers.erase(a.id.value);
                http.abort(exchange_of(a.id));
            },
            [&](const serving::AnswerHave& a) { answer_have(a); },
        },
        action);
}

void PeerServer::Impl::accept(const serving::Accept& action) {
    const auto at = transfers.find(action.id.value);
    if (at == transfers.end()) return;  // gone while the action queued
    const auto& image = *image_at(at->second.slot);
    const auto& range = at->second.range;
    ++counters.transfers;
    net::HttpResponse head{200, {}, {}};
    head.fields.emplace_back("Content-Type", kOctets);
    head.fields.emplace_back("Accept-Ranges", "bytes");
    head.fields.emplace_back("ETag", image.etag);
    if (range.kind == http::RangeKind::part) {
        head.status = 206;
        head.fields.emplace_back("Content-Range",
                                 http::format_content_range(range.bytes, image.layout.length));
    }
    http.start(exchange_of(action.id), head, range.bytes.size());
}

void PeerServer::Impl::send(const serving::Send& action) {
    const auto at = transfers.find(action.id.value);
    if (at == transfers.end()) return;
    http.send_file(exchange_of(action.id), image_at(at->second.slot)->fd, action.offset,
                   action.bytes);
}

void PeerServer::Impl::answer_have(const serving::AnswerHave& action) {
    const auto* image = image_at(action.image);
    if (image == nullptr)
        return http.answer(exchange_of(action.id), plain_answer(404, "no such image here"));
    const auto body = http::encode_have(server.boot_id(), *image->verified);
    http.answer(exchange_of(action.id), {200,
                                         {{"Content-Type", kOctets}, {"Cache-Control", "no-store"}},
                                         std::string(as_text(body))});
}

void PeerServer::Impl::pass_time() {
    timer_at = Instant::never();
    const auto at = now();
    std::vector<net::ExchangeId> late;
    std::erase_if(held, [&](const Held& h) {
        if (at < h.until) return false;
        late.push_back(h.id);
        return true;
    });
    for (const auto id : late) http.answer(id, busy_answer(1, "not known yet"));
    if (server.next_deadline() <= at) feed(serving::DeadlinePassed{});
    arm_timer();
}

// Deadlines mostly move away while bytes flow: the timer is left alone unless one came nearer.
void PeerServer::Impl::arm_timer() {
    auto due = server.next_deadline();
    for (const auto& h : held) due = std::min(due, h.until);
    if (due >= timer_at) return;
    timer_at = due;
    timer.expires_after(std::max(due - now(), Duration::zero()));
    timer.async_wait([this](const boost::system::error_code& ec) {
        if (!ec) pass_time();
    });
}

std::optional<serving::ImageSlot> PeerServer::Impl::slot_of(const image::ImageId& id) const {
    for (std::size_t i = 0; i < images.size(); ++i)
        if (images[i] && images[i]->id == id)
            return serving::ImageSlot{static_cast<std::uint8_t>(i)};
    return std::nullopt;
}

Image* PeerServer::Impl::image_at(serving::ImageSlot slot) {
    return slot.value < images.size() && images[slot.value] ? &*images[slot.value] : nullptr;
}

// --- the owner's side -------------------------------------------------------------------------

PeerServer::PeerServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PeerServer::~PeerServer() = default;

Result<std::unique_ptr<PeerServer>> PeerServer::start(boost::asio::io_context& io,
                                                      PeerServerOptions options) {
    if (options.listen.empty())
        return Error{"peer server: no listening address is named, and there is no default"};
    auto impl = std::make_unique<Impl>(io, std::move(options));
    for (const auto& address : impl->options.listen) {
        SLUICE_TRY(const auto port, impl->http.listen(address));
        if (impl->first_port == 0) impl->first_port = port;
    }
    return std::unique_ptr<PeerServer>(new PeerServer(std::move(impl)));
}

Result<void> PeerServer::add_image(const ServedImage& image) {
    if (!image::is_valid(image.layout) || image.verified == nullptr ||
        image.verified->size() != image.layout.piece_count() || image.fd < 0)
        return Error{"peer server: image " + image.id.hex() +
                     ": layout, piece set or descriptor is not one that can be served"};
    auto slot = impl_->slot_of(image.id);
    auto& images = impl_->images;
    if (!slot) {
        const auto free = std::find(images.begin(), images.end(), std::nullopt) - images.begin();
        if (static_cast<std::size_t>(free) == kMaxImages)
            return Error{"peer server: image " + image.id.hex() +
                         ": 256 images are served already"};
        if (static_cast<std::size_t>(free) == images.size()) images.emplace_back();
        slot = serving::ImageSlot{static_cast<std::uint8_t>(free)};
    }
    images[slot->value] = Image{
        image.id,       image.layout,
        image.verified, image.fd,
        image.key,      http::strong_etag(image.id.hex()),
        image.manifest, image.layer.empty() ? nullptr : std::make_shared<const Bytes>(image.layer)};
    impl_->server.add_image(*slot, image.layout, *image.verified);
    impl_->release_held(*slot);
    return success();
}

void PeerServer::set_layer(const image::ImageId& id, Bytes raw) {
    const auto slot = impl_->slot_of(id);
    if (!slot || raw.empty()) return;
    impl_->image_at(*slot)->layer = std::make_shared<const Bytes>(std::move(raw));
    impl_->release_held(*slot);
}

void PeerServer::set_manifest(const image::ImageId& id, std::string envelope) {
    const auto slot = impl_->slot_of(id);
    if (!slot || envelope.empty()) return;
    impl_->image_at(*slot)->manifest = std::move(envelope);
    impl_->release_held(*slot);
}

void PeerServer::piece_verified(const image::ImageId& id, PieceIndex piece) {
    if (const auto slot = impl_->slot_of(id)) impl_->feed(serving::PieceVerified{*slot, piece});
}

void PeerServer::remove_image(const image::ImageId& id) {
    const auto slot = impl_->slot_of(id);
    if (!slot) return;
    impl_->feed(serving::ImageWithdrawn{*slot});
    std::vector<net::ExchangeId> waiting;
    std::erase_if(impl_->held, [&](const Held& h) {
        if (h.slot == *slot) waiting.push_back(h.id);
        return h.slot == *slot;
    });
    for (const auto held : waiting)
        impl_->http.answer(held, plain_answer(404, "no such image here"));
    impl_->images[slot->value].reset();
}

std::uint16_t PeerServer::port() const {
    return impl_->first_port;
}
std::uint32_t PeerServer::open_transfers() const {
    return impl_->server.open_transfers();
}
const PeerServerCounters& PeerServer::counters() const {
    return impl_->counters;
}
const net::HttpServerCounters& PeerServer::http_counters() const {
    return impl_->http.counters();
}

}  // namespace sluice::agent
