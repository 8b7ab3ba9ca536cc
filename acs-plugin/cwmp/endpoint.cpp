#include "acs-plugin/cwmp/endpoint.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <unordered_map>

#include "acs-plugin/cwmp/cookies.hpp"
#include "engine/base/rng.hpp"
#include "engine/net/content_coding.hpp"
#include "engine/net/log.hpp"

namespace sluice::cwmp::acs {
namespace {

constexpr std::string_view kCookie = "sluice";
// What fits one packet gains nothing, and zlib's tables cost more than the whole session.
constexpr std::size_t kWorthCompressing = 1400;
// A turned-away device comes back within this span, evenly spread.
constexpr std::uint64_t kRetryAfterMin = 10, kRetryAfterSpan = 50;
// Where the planner is away: another node takes over within ten seconds.
constexpr std::uint64_t kAwayMin = 3, kAwaySpan = 10;
// An attacker with wrong passwords must not fill the log.
constexpr Duration kComplaintPause = std::chrono::seconds(10);

using SessionPtr = std::shared_ptr<DeviceSession>;

// Unless the entry is another session's by now.
template <class Index, class Key>
void forget(Index& index, const Key& key, const DeviceSession* session) {
    if (const auto at = index.find(key); at != index.end() && at->second == session)
        index.erase(at);
}

bool is_blank(std::string_view body) {
    return body.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// What a POST says; nothing: an empty one.
using Body = std::optional<Result<cwmp::Envelope, cwmp::DecodeError>>;

bool is_inform(const Body& body) {
    return body && body->has_value() && body->value().message &&
           std::holds_alternative<cwmp::Inform>(*body->value().message);
}

}  // namespace

net::HttpServerLimits endpoint_http_limits() {
    net::HttpServerLimits out;
    out.head_bytes = 16 * 1024;
    out.body_bytes = 1024 * 1024;
    out.head_timeout = std::chrono::seconds(30);
    out.connections = 8192;
    out.connections_per_address = 512;
    out.handshakes = 256;
    return out;
}

struct Endpoint::Impl final : net::HttpHandler, SessionOwner {
    Impl(boost::asio::io_context& io, Desk& d, EndpointOptions o)
        : desk(d),
          options(std::move(o)),
          admission(options.admission),
          timer(io),
          rng(seed()),
          server(
              io, *this, options.http,
              [](const std::string& line) { net::log_warning("CWMP: " + line); }, options.tls) {}

    // --- HttpHandler
    void on_request(const net::HttpRequest& request, net::ExchangeId id) override;
    void on_sent(net::ExchangeId, std::uint32_t) override {}
    void on_closed(net::ExchangeId id) override;

    // --- SessionOwner
    Instant now() const override { return options.clock(); }
    void answer(DeviceSession& session, unsigned status,
                const std::vector<cwmp::Envelope>& envelopes, const std::string& why) override;
    void identified(DeviceSession& session) override;
    void ended(DeviceSession& session, cwmp::SessionEnd why) override;
    void turned_away(DeviceSession& session) override;
    KnownGaps& known_gaps() override { return gaps; }

    struct Place {
        SessionPtr session;
        std::string cookie;
        std::uint64_t connection = 0;  // of its last POST
        net::ExchangeId waiting;       // the POST that waits; unset: none
        net::ContentCoding coding = net::ContentCoding::identity;  // of its answer
        std::string identity;                                      // where it stands in by_device
    };

    std::uint64_t seed();
    std::string fresh_cookie();
    Place* find(const net::HttpRequest& request);
    Place& open();
    void close(Place& place);
    static bool has_cookie_of(const net::HttpRequest& request, const Place& place);
    static bool is_let_in(http::GateVerdict verdict, const net::HttpRequest& request,
                          const Place* place);
    void keep_out(http::GateVerdict verdict, const net::HttpRequest& request, const Place* place,
                  net::ExchangeId id);
    void challenge(const net::HttpRequest& request, const Place* place, bool is_stale,
                   net::ExchangeId id);
    void turn_away(net::ExchangeId id, std::uint64_t least = kRetryAfterMin,
                   std::uint64_t span = kRetryAfterSpan);
    void refuse(net::ExchangeId id, unsigned status, const std::string& why);
    void refuse_impostor(const net::HttpRequest& request, net::ExchangeId id);
    void complain(const net::HttpRequest& request, std::string_view why);
    void hand_over(DeviceSession& session, Body body);
    void arm_timer();
    void on_tick();

    Desk& desk;
    const EndpointOptions options;
    Admission admission;
    KnownGaps gaps;
    boost::asio::steady_timer timer;
    bool is_timer_armed = false;
    Rng rng;
    EndpointCounters its_counters;
    Instant complained = Instant{} - kComplaintPause;
    std::unordered_map<DeviceSession*, Place> places;
    std::unordered_map<std::string, DeviceSession*> by_cookie, by_device;
    std::unordered_map<std::uint64_t, DeviceSession*> by_connection;
    std::unordered_map<std::uint32_t, DeviceSession*> by_exchange;
    net::HttpServer server;
    std::uint16_t its_port = 0;
};

std::uint64_t Endpoint::Impl::seed() {
    std::array<std::uint8_t, 8> bytes{};
    options.random(bytes);
    std::uint64_t out = 0;
    for (const auto byte : bytes) out = out << 8 | byte;
    return out;
}

std::string Endpoint::Impl::fresh_cookie() {
    std::array<std::uint8_t, 16> bytes{};
    options.random(bytes);
    return to_base64url(bytes);
}

// --- sessions ---------------------------------------------------------------------------------

Endpoint::Impl::Place* Endpoint::Impl::find(const net::HttpRequest& request) {
    const auto place_of = [this](DeviceSession* session) { return &places.at(session); };
    const auto field = request.fields("Cookie");
    for (const auto value : cookie_values(field, kCookie))
        if (const auto at = by_cookie.find(std::string(value)); at != by_cookie.end())
            return place_of(at->second);
    const auto at = by_connection.find(request.connection());
    return at == by_connection.end() ? nullptr : place_of(at->second);
}

bool Endpoint::Impl::has_cookie_of(const net::HttpRequest& request, const Place& place) {
    const auto field = request.fields("Cookie");
    const auto values = cookie_values(field, kCookie);
    return std::ranges::find(values, place.cookie) != values.end();
}

Endpoint::Impl::Place& Endpoint::Impl::open() {
    auto session = std::make_shared<DeviceSession>(*this, desk, options.terms);
    auto& place = places[session.get()];
    place.session = session;
    place.cookie = fresh_cookie();
    by_cookie.emplace(place.cookie, session.get());
    ++its_counters.sessions;
    its_counters.open = places.size();
    arm_timer();
    return place;
}

void Endpoint::Impl::close(Place& place) {
    auto* session = place.session.get();
    const auto keep = place.session;
    forget(by_cookie, place.cookie, session);
    forget(by_device, place.identity, session);
    forget(by_connection, place.connection, session);
    forget(by_exchange, place.waiting.value, session);
    places.erase(session);
    its_counters.open = places.size();
}

void Endpoint::Impl::identified(DeviceSession& session) {
    auto& place = places.at(&session);
    if (const auto at = by_device.find(session.identity());
        at != by_device.end() && at->second != &session) {
        auto& older = places.at(at->second);
        // Its POST, should one wait, is of a device that has begun anew: nobody reads the answer.
        if (older.waiting != net::ExchangeId{}) server.abort(older.waiting);
        ++its_counters.superseded;
        close(older);
    }
    if (!place.identity.empty() && place.identity != session.identity())
        by_device.erase(place.identity);
    place.identity = session.identity();
    by_device[place.identity] = &session;
}

void Endpoint::Impl::ended(DeviceSession& session, cwmp::SessionEnd) {
    if (const auto at = places.find(&session); at != places.end()) close(at->second);
}

void Endpoint::Impl::turned_away(DeviceSession& session) {
    const auto at = places.find(&session);
    if (at == places.end()) return;
    const auto waiting = at->second.waiting;
    close(at->second);
    if (waiting != net::ExchangeId{}) turn_away(waiting, kAwayMin, kAwaySpan);
}

// --- what comes in ----------------------------------------------------------------------------

void Endpoint::Impl::on_request(const net::HttpRequest& request, net::ExchangeId id) {
    if (request.method() != "POST") {
        net::HttpResponse response{405, {}, {}};
        response.fields.emplace_back("Allow", "POST");
        return server.answer(id, response);
    }
    auto* place = find(request);
    if (place == nullptr && places.size() >= options.sessions) return turn_away(id);
    const auto admitted = admission.judge(request, now());
    const auto verdict = admitted.verdict;
    if (!is_let_in(verdict, request, place)) return keep_out(verdict, request, place, id);
    const auto coding = net::parse_content_coding(request.field("Content-Encoding"));
    if (!coding) return refuse(id, 415, "this content coding is not spoken here");
    std::string decoded;
    auto body = request.body();
    if (*coding != net::ContentCoding::identity) {
        auto out = net::decode_content(*coding, body, options.xml.bytes);
        if (!out.has_value())
            return out.error() == net::CodingFault::too_large
                       ? refuse(id, 413, "the body is too large when decompressed")
                       : refuse(id, 400, "the body is not what its Content-Encoding says");
        decoded = std::move(out.value());
        body = decoded;
    }
    Body envelope;
    if (!is_blank(body)) envelope = cwmp::decode(body, options.xml);
    if (place != nullptr && is_inform(envelope)) {
        // Who says that it is somebody proves it, also where another's connection is shared.
        if (verdict != http::GateVerdict::granted) return keep_out(verdict, request, place, id);
        if (!has_cookie_of(request, *place) && !place->identity.empty()) place = nullptr;
        if (place == nullptr && places.size() >= options.sessions) return turn_away(id);
    }
    if (is_inform(envelope) &&
        !admission.may_be(admitted, request,
                          std::get<cwmp::Inform>(*envelope->value().message).device))
        return refuse_impostor(request, id);
    if (place == nullptr) place = &open();
    // A device that does not wait for its answer: it may ask again when that is given.
    if (place->session->is_waiting()) return turn_away(id);
    place->waiting = id;
    place->coding = net::choose_content_coding(request.fields("Accept-Encoding"));
    if (place->connection != request.connection()) {
        forget(by_connection, place->connection, place->session.get());
        place->connection = request.connection();
        by_connection[place->connection] = place->session.get();
    }
    by_exchange[id.value] = place->session.get();
    place->session->address = request.client_address();
    const auto session = place->session;
    hand_over(*session, std::move(envelope));
    // Who has not said who it is takes no place after its answer.
    if (session->identity().empty() && !session->is_waiting())
        ended(*session, cwmp::SessionEnd::nonsense);
}

void Endpoint::Impl::hand_over(DeviceSession& session, Body body) {
    if (!body) return session.on(cwmp::PostedEmpty{});
    if (body->has_value()) return session.on(cwmp::Posted{std::move(body->value())});
    ++its_counters.bad_bodies;
    session.on(cwmp::PostedNonsense{body->error()});
}

void Endpoint::Impl::on_closed(net::ExchangeId id) {
    const auto at = by_exchange.find(id.value);
    if (at == by_exchange.end()) return;
    auto& place = places.at(at->second);
    const auto session = place.session;
    place.waiting = {};
    by_exchange.erase(at);
    session->on(cwmp::ConnectionLost{});
}

// A POST without credentials is let in on the connection that its session's last one came on and
// was let in: many CPEs authenticate once a session.
bool Endpoint::Impl::is_let_in(http::GateVerdict verdict, const net::HttpRequest& request,
                               const Place* place) {
    return verdict == http::GateVerdict::granted ||
           (verdict == http::GateVerdict::challenge && place != nullptr &&
            place->connection == request.connection());
}

void Endpoint::Impl::keep_out(http::GateVerdict verdict, const net::HttpRequest& request,
                              const Place* place, net::ExchangeId id) {
    if (verdict != http::GateVerdict::challenge && verdict != http::GateVerdict::stale)
        complain(request, describe(verdict));
    challenge(request, place, verdict == http::GateVerdict::stale, id);
}

// Its password or certificate is right, and another device's.
void Endpoint::Impl::refuse_impostor(const net::HttpRequest& request, net::ExchangeId id) {
    complain(request, "an Inform of another device");
    server.answer(id, {403, {{"Content-Type", "text/plain"}}, "these are another device's\n"});
}

void Endpoint::Impl::complain(const net::HttpRequest& request, std::string_view why) {
    ++its_counters.denied;
    if (now() - complained < kComplaintPause) return;
    complained = now();
    net::log_warning("CWMP credentials refused", {{"from", request.client_address()},
                                                  {"why", std::string(why)},
                                                  {"in_all", std::to_string(its_counters.denied)}});
}

// --- what goes out ----------------------------------------------------------------------------

void Endpoint::Impl::challenge(const net::HttpRequest& request, const Place* place, bool is_stale,
                               net::ExchangeId id) {
    net::HttpResponse response{401, {}, {}};
    for (auto& value : admission.challenges(request, is_stale, now()))
        response.fields.emplace_back("WWW-Authenticate", std::move(value));
    if (place != nullptr)
        response.fields.emplace_back("Set-Cookie", format_set_cookie(kCookie, place->cookie));
    server.answer(id, response);
}

void Endpoint::Impl::turn_away(net::ExchangeId id, std::uint64_t least, std::uint64_t span) {
    ++its_counters.turned_away;
    net::HttpResponse response{503, {}, {}};
    response.fields.emplace_back("Retry-After", std::to_string(least + rng.below(span)));
    server.answer(id, response);
}

void Endpoint::Impl::refuse(net::ExchangeId id, unsigned status, const std::string& why) {
    ++its_counters.bad_bodies;
    server.answer(id, {status, {{"Content-Type", "text/plain"}}, why + "\n"});
}

void Endpoint::Impl::answer(DeviceSession& session, unsigned status,
                            const std::vector<cwmp::Envelope>& envelopes, const std::string& why) {
    const auto at = places.find(&session);
    if (at == places.end()) return;  // superseded while its answer was on its way
    auto& place = at->second;
    const auto id = std::exchange(place.waiting, {});
    if (id == net::ExchangeId{}) return;  // the device went away
    by_exchange.erase(id.value);
    net::HttpResponse response{status, {}, {}};
    response.fields.emplace_back("Set-Cookie", format_set_cookie(kCookie, place.cookie));
    if (!envelopes.empty()) {
        response.fields.emplace_back("Content-Type", "text/xml; charset=utf-8");
        response.fields.emplace_back("SOAPAction", "");
        response.body = cwmp::encode_all(envelopes);
        if (place.coding != net::ContentCoding::identity &&
            response.body.size() >= kWorthCompressing) {
            response.body = net::encode_content(place.coding, response.body);
            response.fields.emplace_back("Content-Encoding", net::name_of(place.coding));
        }
    } else if (!why.empty()) {
        response.fields.emplace_back("Content-Type", "text/plain");
        response.body = why + "\n";
    }
    server.answer(id, response);
}

// --- time -------------------------------------------------------------------------------------

void Endpoint::Impl::arm_timer() {
    if (is_timer_armed || places.empty()) return;
    is_timer_armed = true;
    const Duration second = std::chrono::seconds(1);
    timer.expires_after(std::clamp<Duration>(options.terms.policy.idle_timeout / 4, 10ms, second));
    timer.async_wait([this](boost::system::error_code ec) {
        if (ec) return;
        is_timer_armed = false;
        on_tick();
        arm_timer();
    });
}

void Endpoint::Impl::on_tick() {
    std::vector<SessionPtr> due;
    const auto at = now();
    for (const auto& [raw, place] : places)
        if (place.session->next_deadline() <= at) due.push_back(place.session);
    for (const auto& session : due) session->on(cwmp::DeadlinePassed{});
}

// ----------------------------------------------------------------------------------------------

Endpoint::Endpoint(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Endpoint::~Endpoint() = default;

Result<std::unique_ptr<Endpoint>> Endpoint::start(boost::asio::io_context& io, Desk& desk,
                                                  EndpointOptions options) {
    auto impl = std::make_unique<Impl>(io, desk, std::move(options));
    for (const auto& address : impl->options.listen) {
        SLUICE_TRY(const auto port, impl->server.listen(address));
        if (impl->its_port == 0) impl->its_port = port;
    }
    return std::unique_ptr<Endpoint>(new Endpoint(std::move(impl)));
}

std::uint16_t Endpoint::port() const {
    return impl_->its_port;
}
const EndpointCounters& Endpoint::counters() const {
    return impl_->its_counters;
}
const net::HttpServerCounters& Endpoint::http_counters() const {
    return impl_->server.counters();
}

}  // namespace sluice::cwmp::acs
