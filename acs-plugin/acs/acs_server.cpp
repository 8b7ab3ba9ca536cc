#include "acs-plugin/acs/acs_server.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>

#include "acs-plugin/acs/ledger.hpp"
#include "acs-plugin/acs/planner_desk.hpp"
#include "acs-plugin/cwmp/caller.hpp"
#include "acs-plugin/cwmp/endpoint.hpp"
#include "acs-plugin/origin/origin.hpp"
#include "acs-plugin/origin/shelf.hpp"
#include "acs-plugin/rest/rest_server.hpp"
#include "acs-plugin/service/planner.hpp"
#include "engine/net/client_tls.hpp"
#include "engine/net/log.hpp"
#include "engine/net/random.hpp"
#include "engine/net/url.hpp"

namespace sluice::acs {
namespace {

constexpr Duration kTick = std::chrono::seconds(1);
constexpr Duration kShortestTick = std::chrono::milliseconds(20);

void fill_random(std::span<std::uint8_t> out) {
    net::fill_random(out).value();
}

std::array<std::uint8_t, 32> random_key() {
    return net::random_block<std::array<std::uint8_t, 32>>().value();
}

Instant steady_now() {
    return {std::chrono::steady_clock::now().time_since_epoch()};
}

service::WallTime wall_now() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
}

// The planner is told the origin's port, which is known once the origin listens: it comes after.
class LateTokens final : public origin::TokenBook {
public:
    service::Planner* planner = nullptr;

    std::optional<service::Grant> grant(std::string_view token) const override {
        return planner->grant(token);
    }
    bool is_over(std::string_view token) const override { return planner->is_over(token); }
    Result<std::string> assignment(std::string_view token, service::WallTime now) override {
        return planner->assignment(token, now);
    }
    const service::ImageRow* image(std::string_view id) const override {
        return planner->image(id);
    }
    bool on_payload(const service::Grant& grant, std::uint64_t bytes,
                    bool is_new_request) override {
        return planner->on_payload(grant, bytes, is_new_request);
    }
};

std::function<void(const std::string&)> log_of(std::string_view part) {
    return [part](const std::string& line) { net::log_warning(std::string(part) + ": " + line); };
}

bool is_loopback(const net::ListenAddress& address) {
    return address.address == "::1" || address.address.starts_with("127.");
}

}  // namespace

struct AcsServer::Impl {
    explicit Impl(const AcsSettings& s) : settings(s), client_tls(), timer(io), signals(io) {}

    Result<void> start();
    Result<void> load_tls();
    Result<void> start_origin();
    Result<void> start_planner();
    Result<void> start_endpoint();
    Result<void> start_api();
    std::string origin_url() const;
    void tick();
    void arm_timer();
    void call_devices();
    void fail(const std::string& why);

    const AcsSettings settings;
    boost::asio::io_context io{1};
    std::optional<std::string> failure;
    net::ClientTls client_tls;
    std::shared_ptr<net::ServerTls> cwmp_tls, origin_tls;
    std::unique_ptr<origin::Shelf> shelf;
    std::unique_ptr<store::Store> store;
    std::optional<Ledger> ledger;
    std::unique_ptr<service::Planner> planner;
    LateTokens tokens;
    std::optional<PlannerDesk> desk;
    std::unique_ptr<origin::Origin> origin;
    std::unique_ptr<cwmp::acs::Endpoint> endpoint;
    std::unique_ptr<rest::RestServer> api;
    std::unique_ptr<cwmp::acs::Caller> caller;
    boost::asio::steady_timer timer;
    boost::asio::signal_set signals;
};

// --- starting ---------------------------------------------------------------------------------

Result<void> AcsServer::Impl::load_tls() {
    if (settings.tls.certificate.empty()) return success();
    SLUICE_TRY(cwmp_tls, net::ServerTls::load(settings.tls));
    // A plain CPE's file client has no certificate to show: there the token lets in.
    SLUICE_TRY(origin_tls,
               net::ServerTls::load({settings.tls.certificate, settings.tls.key, {}, false}));
    return success();
}

std::string AcsServer::Impl::origin_url() const {
    if (!settings.origin_url.empty()) return settings.origin_url;
    net::Url url;
    url.is_tls = origin_tls != nullptr;
    url.host = settings.origin_listen.front().address;
    url.port = origin->port();
    return (url.is_tls ? "https://" : "http://") + url.authority();
}

Result<void> AcsServer::Impl::start_origin() {
    origin::OriginOptions options;
    options.listen = settings.origin_listen;
    options.tls = origin_tls;
    options.username = settings.origin.username;
    options.password = settings.origin.password;
    options.allows_basic = origin_tls != nullptr;
    options.nonce_key = random_key();
    options.site_rate_bps = settings.site_rate_bps;
    options.clock = steady_now;
    options.wall_time = wall_now;
    options.log = log_of("origin");
    SLUICE_TRY(origin, origin::Origin::start(io, tokens, *shelf, std::move(options)));
    return success();
}

Result<void> AcsServer::Impl::start_planner() {
    SLUICE_TRY(store, store::Store::open({settings.store, {}}, [this](std::function<void()> job) {
                   boost::asio::post(io, std::move(job));
               }));
    SLUICE_TRY(const auto rows, store->load());
    ledger.emplace(
        *store, [this](const std::string& why) { fail(why); }, [this] { arm_timer(); });
    service::PlannerSettings terms;
    terms.fleet = settings.fleet;
    terms.origin_url = origin_url();
    if (settings.site_rate_bps != 0) terms.origin_bps = settings.site_rate_bps;
    terms.origin_username = settings.origin.username;
    terms.origin_password = settings.origin.password;
    planner = std::make_unique<service::Planner>(std::move(terms), fill_random);
    SLUICE_CHECK(planner->restore(rows));
    tokens.planner = planner.get();
    desk.emplace(*planner, *ledger, wall_now);
    net::log_info("store restored",
                  {{"file", settings.store}, {"rows", std::to_string(rows.size())}});
    return success();
}

Result<void> AcsServer::Impl::start_endpoint() {
    cwmp::acs::EndpointOptions options;
    options.listen = settings.listen;
    options.tls = cwmp_tls;
    options.admission = {settings.cpe.username, settings.cpe.password, false, random_key(), {}};
    options.admission.nonces.tracked = 2 * options.sessions;
    options.terms.mapping = settings.mapping;
    options.terms.lan = settings.lan;
    options.terms.callable = settings.callable;
    options.clock = steady_now;
    options.random = fill_random;
    SLUICE_TRY(endpoint, cwmp::acs::Endpoint::start(io, *desk, std::move(options)));
    caller = std::make_unique<cwmp::acs::Caller>(
        io, client_tls, cwmp::acs::CallerOptions{},
        [this](const std::string& identity, bool is_reached) {
            planner->on_called(identity, is_reached, wall_now());
            arm_timer();
        });
    return success();
}

Result<void> AcsServer::Impl::start_api() {
    rest::RestOptions options;
    options.listen = settings.api_listen;
    if (!std::ranges::all_of(settings.api_listen, is_loopback)) options.tls = origin_tls;
    options.token = settings.api_token;
    options.wall_time = wall_now;
    options.commit = [this](service::Changes rows, std::function<void(Result<void>)> done) {
        ledger->commit(std::move(rows), std::move(done));
    };
    options.history = [this](service::EventQuery query, auto done) {
        store->history(std::move(query), std::move(done));
    };
    options.log = log_of("API");
    SLUICE_TRY(api, rest::RestServer::start(io, *planner, *shelf, std::move(options)));
    return success();
}

Result<void> AcsServer::Impl::start() {
    SLUICE_CHECK(load_tls());
    SLUICE_TRY(shelf, origin::Shelf::open(settings.images));
    SLUICE_CHECK(start_origin());
    SLUICE_CHECK(start_planner());
    SLUICE_CHECK(start_endpoint());
    SLUICE_CHECK(start_api());
    return success();
}

// --- running ----------------------------------------------------------------------------------

void AcsServer::Impl::tick() {
    service::Changes changes;
    planner->on_time(wall_now(), changes);
    ledger->write(std::move(changes));
    call_devices();
    arm_timer();
}

void AcsServer::Impl::arm_timer() {
    auto wait = kTick;
    if (const auto next = planner->next_deadline())
        wait = std::clamp<Duration>(std::chrono::milliseconds(next->unix_ms - wall_now().unix_ms),
                                    kShortestTick, kTick);
    timer.expires_after(wait);
    timer.async_wait([this](boost::system::error_code ec) {
        if (!ec) tick();
    });
}

void AcsServer::Impl::call_devices() {
    for (const auto& identity : planner->to_call(wall_now(), caller->room())) {
        const auto* row = planner->device(identity);
        if (row == nullptr || row->connection_url.empty()) {
            planner->on_called(identity, false, wall_now());
            continue;
        }
        const bool has_own = !row->connection_username.empty() && !row->connection_password.empty();
        caller->call({identity, row->connection_url,
                      has_own ? row->connection_username : settings.connection.username,
                      has_own ? row->connection_password : settings.connection.password});
    }
}

void AcsServer::Impl::fail(const std::string& why) {
    failure = why;
    io.stop();
}

AcsServer::AcsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AcsServer::~AcsServer() = default;

Result<std::unique_ptr<AcsServer>> AcsServer::start(const AcsSettings& settings) {
    SLUICE_CHECK(net::random_block<std::uint64_t>());  // without it nothing below can be had
    auto impl = std::make_unique<Impl>(settings);
    SLUICE_CHECK(impl->start());
    return std::unique_ptr<AcsServer>(new AcsServer(std::move(impl)));
}

AcsPorts AcsServer::ports() const {
    return {impl_->endpoint->port(), impl_->origin->port(), impl_->api->port()};
}

Result<void> AcsServer::run() {
    auto& impl = *impl_;
    impl.signals.add(SIGINT);
    impl.signals.add(SIGTERM);
    impl.signals.async_wait([&impl](boost::system::error_code ec, int) {
        if (ec) return;
        net::log_info("stopping");
        impl.io.stop();
    });
    impl.tick();
    impl.io.run();
    if (impl.failure) return Error{"the store failed, and so ends this process: " + *impl.failure};
    return success();
}

}  // namespace sluice::acs
