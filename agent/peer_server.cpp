#include "agent/peer_server.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <unordered_map>

#include "agent/peer_admission.hpp"
#include "agent/peer_answers.hpp"
#include "agent/peer_metadata.hpp"
#include "engine/base/overloaded.hpp"
#include "engine/http/conditional.hpp"
#include "engine/http/have.hpp"
#include "engine/http/range.hpp"
#include "engine/http/target.hpp"

namespace sluice::agent {
namespace {

constexpr std::size_t kMaxImages = 256;
constexpr Duration kCpuSampleEvery = 1s;
constexpr Duration kLogEvery = 1s;
constexpr std::string_view kAgentProduct = "sluice-agent";  // of User-Agent: sets agents apart

struct Image {
    image::ImageId id;
    image::PieceLayout layout;
    const PieceSet* verified = nullptr;
    int fd = -1;
    serving::Key key{};
    std::string etag;
};

// A request for image bytes, from TransferRequested to its end.
struct Transfer {
    serving::ImageSlot slot;
    http::ResolvedRange range;
};
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
          http(io, *this, options.http, options.log),
          metadata(http, options.hold_limit) {}

    void on_request(const net::HttpRequest& request, net::ExchangeId id) override;
    void on_sent(net::ExchangeId id, std::uint32_t bytes) override;
    void on_closed(net::ExchangeId id) override;

    void answer_image(const net::HttpRequest& request, net::ExchangeId id, serving::ImageSlot slot);
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
    serving::Actions actions;
    bool is_performing = false;
    std::optional<Instant> cpu_sampled_at;
    std::optional<Instant> logged_at;
    Instant timer_at = Instant::never();
    boost::asio::steady_timer timer;
    std::uint16_t first_port = 0;
    net::HttpServer http;
    PeerMetadata metadata;
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
    if (!slot) return http.answer(id, plain_answer(404, kNoSuchImage));
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
            metadata.answer_or_hold(id, *slot, target->resource, request.method() == "HEAD", now());
            return arm_timer();
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
        return void(http.start(
            id,
            {200,
             {{"Content-Type", kOctets}, {"Accept-Ranges", "bytes"}, {"ETag", image.etag}},
             {}},
            image.layout.length));
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

void PeerServer::Impl::on_sent(net::ExchangeId id, std::uint32_t bytes) {
    if (metadata.on_sent(id, bytes)) return;
    counters.bytes_sent += bytes;
    feed(serving::BytesSent{transfer_of(id), bytes});
}

void PeerServer::Impl::on_closed(net::ExchangeId id) {
    transfers.erase(id.value);
    metadata.on_closed(id);
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
    std::visit(Overloaded{
                   [&](const serving::Accept& a) { accept(a); },
                   [&](const serving::Refuse& a) {
                       transfers.erase(a.id.value);
                       if (a.why == serving::Refusal::not_serving)
                           return http.answer(exchange_of(a.id), plain_answer(404, kNoSuchImage));
                       ++counters.refused_busy;
                       http.answer(exchange_of(a.id),
                                   busy_answer(a.retry_after_s, a.why == serving::Refusal::cpu_busy
                                                                    ? "CPU busy"
                                                                    : "no slot"));
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
        return http.answer(exchange_of(action.id), plain_answer(404, kNoSuchImage));
    const auto body = http::encode_have(server.boot_id(), *image->verified);
    http.answer(exchange_of(action.id), {200,
                                         {{"Content-Type", kOctets}, {"Cache-Control", "no-store"}},
                                         std::string(as_text(body))});
}

void PeerServer::Impl::pass_time() {
    timer_at = Instant::never();
    metadata.pass_time(now());
    if (server.next_deadline() <= now()) feed(serving::DeadlinePassed{});
    arm_timer();
}

// Deadlines mostly move away while bytes flow: the timer is left alone unless one came nearer.
void PeerServer::Impl::arm_timer() {
    const auto due = std::min(server.next_deadline(), metadata.next_deadline());
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

void PeerServer::set_limits(const serving::ServerLimits& limits) {
    impl_->server.set_limits(limits);
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
    images[slot->value] = Image{image.id, image.layout, image.verified,
                                image.fd, image.key,    http::strong_etag(image.id.hex())};
    impl_->server.add_image(*slot, image.layout, *image.verified);
    impl_->metadata.set(*slot, image.manifest, image.layer);
    return success();
}

void PeerServer::set_layer(const image::ImageId& id, Bytes raw) {
    if (const auto slot = impl_->slot_of(id)) impl_->metadata.set(*slot, {}, std::move(raw));
}

void PeerServer::set_manifest(const image::ImageId& id, std::string envelope) {
    if (const auto slot = impl_->slot_of(id)) impl_->metadata.set(*slot, std::move(envelope), {});
}

void PeerServer::piece_verified(const image::ImageId& id, PieceIndex piece) {
    if (const auto slot = impl_->slot_of(id)) impl_->feed(serving::PieceVerified{*slot, piece});
}

void PeerServer::remove_image(const image::ImageId& id) {
    const auto slot = impl_->slot_of(id);
    if (!slot) return;
    impl_->feed(serving::ImageWithdrawn{*slot});
    // The image first: an answer to a held request may bring the next one of its connection.
    impl_->images[slot->value].reset();
    impl_->metadata.forget(*slot);
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
