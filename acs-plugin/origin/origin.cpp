#include "acs-plugin/origin/origin.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <optional>

#include "acs-plugin/origin/request_target.hpp"
#include "acs-plugin/origin/shelf.hpp"
#include "acs-plugin/origin/transfers.hpp"
#include "engine/http/basic.hpp"
#include "engine/http/conditional.hpp"
#include "engine/http/digest_gate.hpp"
#include "engine/http/range.hpp"
#include "engine/http/text.hpp"
#include "engine/image/merkle.hpp"
#include "engine/planning/assignment_json.hpp"

namespace sluice::origin {
namespace {

constexpr std::string_view kRealm = "sluice";
constexpr char kOctets[] = "application/octet-stream";
constexpr char kAssignment[] = "application/vnd.sluice.assignment.v1+json";
constexpr Duration kLogEvery = 1s;
// A site whose budget is spent waits for an operator, not for a minute to pass.
constexpr std::uint64_t kRetryHeld = 300;
constexpr std::uint64_t kRetryComing = 5;
// Those that were too many come again spread over this long, so that they are not one wave.
constexpr std::uint64_t kRetryBusy = 5, kRetryBusySpread = 10;

net::HttpResponse plain_answer(unsigned status, std::string_view text) {
    return {status, {{"Content-Type", "text/plain"}}, std::string(text) + "\n"};
}

// Whether an Accept field names the Assignment's type; weights say nothing, we have one of it.
bool wants_assignment(std::string_view accept) {
    while (!accept.empty()) {
        const auto comma = std::min(accept.find(','), accept.size());
        const auto entry = accept.substr(0, comma);
        if (http::equal_ignoring_case(http::trim(entry.substr(0, entry.find(';'))), kAssignment))
            return true;
        accept.remove_prefix(std::min(comma + 1, accept.size()));
    }
    return false;
}

// Of an Assignment, whenever it is asked for: the server's time in it is not a change.
std::string assignment_tag(const std::string& json) {
    auto read = planning::parse_assignment(json);
    if (!read.has_value()) return image::sha256(as_bytes(json)).hex().substr(0, 32);
    read.value().server_time = {};
    return image::sha256(as_bytes(planning::to_json(read.value()))).hex().substr(0, 32);
}

net::HttpResponse come_again(std::string_view why, std::uint64_t seconds) {
    auto out = plain_answer(503, why);
    out.fields.emplace_back("Retry-After", std::to_string(seconds));
    return out;
}

// What is looked at of a request, for when it is answered later.
class HeldRequest final : public net::HttpRequest {
public:
    explicit HeldRequest(const net::HttpRequest& from)
        : method_(from.method()), target_(from.target()), address_(from.client_address()) {
        for (const auto* name : {"If-None-Match", "If-Range", "Range"})
            fields_.emplace_back(name, from.field(name));
        fields_.emplace_back("Accept", from.fields("Accept"));
    }
    std::string_view method() const override { return method_; }
    std::string_view target() const override { return target_; }
    std::string_view field(std::string_view name) const override {
        for (const auto& [its, value] : fields_)
            if (its == name) return value;
        return {};
    }
    std::string_view body() const override { return {}; }
    const std::string& client_address() const override { return address_; }

private:
    std::string method_, target_, address_;
    std::vector<std::pair<std::string_view, std::string>> fields_;
};

}  // namespace

struct Origin::Impl final : net::HttpHandler, std::enable_shared_from_this<Origin::Impl> {
    Impl(boost::asio::io_context& io, TokenBook& t, Shelf& s, OriginOptions o)
        : options(std::move(o)),
          tokens(t),
          shelf(s),
          gate(std::string(kRealm), options.nonce_key, options.nonces),
          http(io, *this, options.http, options.log, options.tls),
          transfers(io, options, tokens, counters, http) {}

    std::size_t body_limit(const net::HttpRequest& head, std::size_t limit) const override;
    unsigned status_without_body(const net::HttpRequest& head) const override;
    void on_request(const net::HttpRequest& request, net::ExchangeId id) override;
    void on_sent(net::ExchangeId id, std::uint32_t bytes) override { transfers.on_sent(id, bytes); }
    void on_closed(net::ExchangeId id) override { transfers.on_closed(id); }

    void answer(const net::HttpRequest& request, net::ExchangeId id);
    bool admit(const net::HttpRequest& request, net::ExchangeId id);
    http::GateVerdict judge(const net::HttpRequest& request);
    void answer_assignment(const net::HttpRequest& request, net::ExchangeId id,
                           std::string_view token);
    void answer_file(const net::HttpRequest& request, net::ExchangeId id,
                     const service::Grant& grant, const service::ImageRow& image, bool is_layer);
    std::optional<Source> source_of(const service::ImageRow& image, bool is_layer);
    void bring(const net::HttpRequest& request, net::ExchangeId id, const service::Grant& grant,
               const service::ImageRow& image, bool is_layer);
    void give(const net::HttpRequest& request, net::ExchangeId id, const service::Grant& grant,
              const std::string& etag, Source source);
    std::optional<net::HttpResponse> refuse_payload(const service::Grant& grant);
    void log(const std::string& line);
    Instant now() const { return options.clock(); }

    const OriginOptions options;
    TokenBook& tokens;
    Shelf& shelf;
    OriginCounters counters;
    http::DigestGate gate;
    std::optional<Instant> logged_at;
    std::uint16_t first_port = 0;
    net::HttpServer http;
    Transfers transfers;
};

// --- requests ---------------------------------------------------------------------------------

std::size_t Origin::Impl::body_limit(const net::HttpRequest& head, std::size_t limit) const {
    auto* door = options.side_door;
    return door != nullptr && door->is_for(head.target()) ? door->body_limit(head, limit) : 0;
}

unsigned Origin::Impl::status_without_body(const net::HttpRequest& head) const {
    auto* door = options.side_door;
    const bool is_for_it = door != nullptr && door->is_for(head.target());
    return is_for_it ? door->status_without_body(head) : HttpHandler::status_without_body(head);
}

void Origin::Impl::on_request(const net::HttpRequest& request, net::ExchangeId id) {
    if (auto* door = options.side_door; door != nullptr && door->is_for(request.target()))
        return door->on_request(request, [weak = weak_from_this(), id](const auto& answer) {
            if (const auto self = weak.lock()) self->http.answer(id, answer);
        });
    if (request.method() != "GET" && request.method() != "HEAD") {
        auto refusal = plain_answer(405, "GET and HEAD only");
        refusal.fields.emplace_back("Allow", "GET, HEAD");
        return http.answer(id, refusal);
    }
    if (!admit(request, id)) return;
    const auto target = parse_request_target(request.target());
    if (!target) return http.answer(id, plain_answer(404, "no such resource"));
    const bool is_for_assignment = !target->is_layer && wants_assignment(request.fields("Accept"));
    tokens.prepare(target->token, is_for_assignment,
                   [weak = weak_from_this(), held = HeldRequest(request), id](bool is_ready) {
                       const auto self = weak.lock();
                       if (!self) return;
                       if (is_ready) return self->answer(held, id);
                       self->http.answer(id, come_again("no answer about this token now", 5));
                   });
}

void Origin::Impl::answer(const net::HttpRequest& request, net::ExchangeId id) {
    const auto target = parse_request_target(request.target());
    const auto grant = tokens.grant(target->token);
    if (!grant && tokens.is_over(target->token)) {
        ++counters.over;
        return http.answer(id, plain_answer(410, "this rollout is over"));
    }
    if (!grant) {
        ++counters.unknown_token;
        return http.answer(id, plain_answer(404, "no such resource"));
    }
    if (!target->is_layer && wants_assignment(request.fields("Accept")))
        return answer_assignment(request, id, target->token);
    const auto* image = tokens.image(grant->image);
    if (image == nullptr || (target->is_layer && !image->is_firmware))
        return http.answer(id, plain_answer(404, "no such resource"));
    answer_file(request, id, *grant, *image, target->is_layer);
}

bool Origin::Impl::admit(const net::HttpRequest& request, net::ExchangeId id) {
    if (options.username.empty()) return true;
    const auto verdict = judge(request);
    if (verdict == http::GateVerdict::granted) return true;
    if (verdict != http::GateVerdict::challenge && verdict != http::GateVerdict::stale) {
        ++counters.denied;
        log("origin: " + request.client_address() + " denied: " + std::string(describe(verdict)));
    }
    auto denial = plain_answer(401, describe(verdict));
    for (auto& challenge : gate.challenges(verdict == http::GateVerdict::stale, now()))
        denial.fields.emplace_back("WWW-Authenticate", std::move(challenge));
    if (options.allows_basic)
        denial.fields.emplace_back("WWW-Authenticate", http::format_basic_challenge(kRealm));
    http.answer(id, denial);
    return false;
}

http::GateVerdict Origin::Impl::judge(const net::HttpRequest& request) {
    const auto field = request.field("Authorization");
    if (field.empty()) return http::GateVerdict::challenge;
    const auto schemes = http::parse_auth_field(field);
    if (!schemes || schemes->size() != 1) return http::GateVerdict::malformed;
    const auto basic = options.allows_basic ? http::read_basic(schemes->front()) : std::nullopt;
    if (basic) {
        const bool is_right =
            equal_in_constant_time(as_bytes(basic->username), as_bytes(options.username)) &&
            equal_in_constant_time(as_bytes(basic->password), as_bytes(options.password));
        return is_right ? http::GateVerdict::granted : http::GateVerdict::forged;
    }
    return gate.judge(
        schemes->front(), request.method(), request.target(),
        [this](const http::DigestAuthorization& given) -> std::optional<std::string> {
            if (given.username != options.username) return std::nullopt;
            return http::password_digest(given, options.password);
        },
        now());
}

void Origin::Impl::answer_assignment(const net::HttpRequest& request, net::ExchangeId id,
                                     std::string_view token) {
    auto json = tokens.assignment(token, options.wall_time());
    if (!json.has_value()) {
        log("origin: assignment: " + json.error().message);
        return http.answer(id, come_again("no Assignment now", kRetryBusy));
    }
    const auto etag = http::strong_etag(assignment_tag(json.value()));
    if (http::is_none_match_hit(request.field("If-None-Match"), etag))
        return http.answer(id, {304, {{"ETag", etag}, {"Vary", "Accept"}}, {}});
    ++counters.assignments;
    http.answer(id, {200,
                     {{"Content-Type", kAssignment},
                      {"ETag", etag},
                      {"Vary", "Accept"},
                      {"Cache-Control", "no-store"}},
                     std::move(json).value()});
}

void Origin::Impl::answer_file(const net::HttpRequest& request, net::ExchangeId id,
                               const service::Grant& grant, const service::ImageRow& image,
                               bool is_layer) {
    const auto etag = http::strong_etag(is_layer ? image.id + "-layer" : image.id);
    if (http::is_none_match_hit(request.field("If-None-Match"), etag))
        return http.answer(id, {304, {{"ETag", etag}, {"Vary", "Accept"}}, {}});
    if (auto source = source_of(image, is_layer))
        return give(request, id, grant, etag, std::move(*source));
    if (options.supply != nullptr) return bring(request, id, grant, image, is_layer);
    log("origin: a published file is gone: " + image.id);
    http.answer(id, plain_answer(500, "the file is gone"));
}

// Nothing: it is not here.
std::optional<Source> Origin::Impl::source_of(const service::ImageRow& image, bool is_layer) {
    auto file = is_layer ? shelf.layer(image.id) : shelf.image(image.id);
    if (file.has_value()) return Source{std::move(file).value(), nullptr};
    if (options.supply == nullptr || is_layer) return std::nullopt;
    auto coming = options.supply->coming(image.id);
    if (!coming) return std::nullopt;
    return Source{coming->file, coming};
}

// Another node has it: given on as it comes, or asked for again where that takes too long.
void Origin::Impl::bring(const net::HttpRequest& request, net::ExchangeId id,
                         const service::Grant& grant, const service::ImageRow& image,
                         bool is_layer) {
    ++counters.lacked;
    options.supply->bring(image, [weak = weak_from_this(), held = HeldRequest(request), id, grant,
                                  image, is_layer](bool is_there) {
        const auto self = weak.lock();
        if (!self) return;
        auto source = is_there ? self->source_of(image, is_layer) : std::nullopt;
        if (!source)
            return self->http.answer(id, come_again("on its way from another node", kRetryComing));
        const auto etag = http::strong_etag(is_layer ? image.id + "-layer" : image.id);
        self->give(held, id, grant, etag, std::move(*source));
    });
}

void Origin::Impl::give(const net::HttpRequest& request, net::ExchangeId id,
                        const service::Grant& grant, const std::string& etag, Source source) {
    const auto length = source.file->length();
    net::HttpResponse head{
        200,
        {{"Content-Type", kOctets}, {"Accept-Ranges", "bytes"}, {"ETag", etag}, {"Vary", "Accept"}},
        {}};
    // Range is defined for GET alone (RFC 9110 §14.2).
    if (request.method() == "HEAD") return void(http.start(id, head, length));
    if (const auto refusal = refuse_payload(grant)) return http.answer(id, *refusal);
    auto wanted = request.field("Range");
    if (!http::is_if_range_met(request.field("If-Range"), etag)) wanted = {};
    const auto range = http::resolve_range(wanted, length);
    if (range.kind == http::RangeKind::unsatisfiable) {
        auto refusal = plain_answer(416, "no such bytes");
        refusal.fields.emplace_back("Content-Range", http::format_unsatisfied_range(length));
        return http.answer(id, refusal);
    }
    if (range.kind == http::RangeKind::part) {
        head.status = 206;
        head.fields.emplace_back("Content-Range", http::format_content_range(range.bytes, length));
    }
    // A device that went away while its file was being brought: nobody will say so again.
    if (http.start(id, head, range.bytes.size()))
        transfers.begin(id, grant, std::move(source), range.bytes);
}

// What stands in the way of sending anything, however good the request is.
std::optional<net::HttpResponse> Origin::Impl::refuse_payload(const service::Grant& grant) {
    if (grant.is_held) {
        ++counters.held;
        return come_again("this site had all that it may have from here", kRetryHeld);
    }
    if (options.max_transfers == 0 || transfers.count() < options.max_transfers)
        return std::nullopt;
    ++counters.too_many;
    const auto spread = std::hash<std::string>()(grant.identity) % kRetryBusySpread;
    return come_again("too many transfers at a time", kRetryBusy + spread);
}

void Origin::Impl::log(const std::string& line) {
    // At most a line a second, however many knock.
    if (!options.log || (logged_at && now() - *logged_at < kLogEvery)) return;
    logged_at = now();
    options.log(line);
}

// --- the origin -------------------------------------------------------------------------------

Result<std::unique_ptr<Origin>> Origin::start(boost::asio::io_context& io, TokenBook& tokens,
                                              Shelf& shelf, OriginOptions options) {
    if (options.side_door == nullptr) options.http.body_bytes = 0;
    auto impl = std::make_shared<Impl>(io, tokens, shelf, std::move(options));
    for (const auto& address : impl->options.listen) {
        SLUICE_TRY(const auto port, impl->http.listen(address));
        if (impl->first_port == 0) impl->first_port = port;
    }
    if (auto* supply = impl->options.supply)
        supply->watch([weak = std::weak_ptr<Impl>(impl)](const std::string& id) {
            if (const auto self = weak.lock()) self->transfers.on_step(id);
        });
    return std::unique_ptr<Origin>(new Origin(std::move(impl)));
}

Origin::Origin(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Origin::~Origin() = default;

std::uint16_t Origin::port() const {
    return impl_->first_port;
}
const OriginCounters& Origin::counters() const {
    return impl_->counters;
}
const net::HttpServerCounters& Origin::http_counters() const {
    return impl_->http.counters();
}

}  // namespace sluice::origin
