#include "acs-plugin/acs/acs_server.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>

#include "acs-plugin/acs/node_desk.hpp"
#include "acs-plugin/acs/owner.hpp"
#include "acs-plugin/acs/surroundings.hpp"
#include "acs-plugin/backup/door.hpp"
#include "acs-plugin/cluster/api_door.hpp"
#include "acs-plugin/cluster/channel.hpp"
#include "acs-plugin/cluster/image_copies.hpp"
#include "acs-plugin/cluster/owner_desk.hpp"
#include "acs-plugin/cluster/remote_counter.hpp"
#include "acs-plugin/cluster/remote_desk.hpp"
#include "acs-plugin/cluster/remote_tokens.hpp"
#include "acs-plugin/cluster/secret.hpp"
#include "acs-plugin/cwmp/endpoint_pool.hpp"
#include "acs-plugin/metrics/watch_server.hpp"
#include "acs-plugin/origin/origin.hpp"
#include "acs-plugin/origin/shelf.hpp"
#include "acs-plugin/store/store.hpp"
#include "engine/net/client_tls.hpp"
#include "engine/net/log.hpp"
#include "engine/net/random.hpp"
#include "engine/net/url.hpp"

namespace sluice::acs {
namespace {

// Of a device's configuration on its way up: 4 MiB at 128 kbit/s.
constexpr Duration kConfigurationTime = std::chrono::minutes(5);

bool is_loopback(const net::ListenAddress& address) {
    return address.address == "::1" || address.address.starts_with("127.");
}

}  // namespace

struct AcsServer::Impl {
    explicit Impl(const AcsSettings& s) : settings(s), client_tls(), signals(io) {}

    Result<void> start();
    Result<void> load_tls();
    backup::Door& open_config_door();
    Result<void> open_channel();
    Result<void> start_origin();
    Result<void> open_store();
    Result<void> start_endpoint();
    Result<void> start_cluster();
    std::string origin_url() const;
    std::string metrics_text() const;
    Result<void> start_watch();
    Result<void> become_owner();
    std::function<void(const service::ImageRow&, std::function<void(Result<void>)>)> spread();
    void take_news(const store::LeaseNews& news);
    void be_ready();
    void fail(const std::string& why);

    const AcsSettings settings;
    boost::asio::io_context io{1};
    std::optional<std::string> failure;
    net::ClientTls client_tls;
    std::shared_ptr<net::ServerTls> cwmp_tls, origin_tls;
    std::unique_ptr<origin::Shelf> shelf;
    std::unique_ptr<store::Store> store;
    NodeDesk desk;
    NodeTokens tokens;
    NodeCounter counter;
    std::optional<backup::Door> config_door;
    std::unique_ptr<origin::Origin> origin;
    std::unique_ptr<cwmp::acs::EndpointPool> endpoint;
    // Among several nodes:
    std::string cluster_address;  // how the others reach this one
    std::unique_ptr<cluster::Channel> channel;
    std::unique_ptr<cluster::ChannelServer> channel_server;
    std::optional<cluster::ImageCopies> copies;
    std::optional<cluster::RemoteDesk> remote_desk;
    std::optional<cluster::RemoteTokens> remote_tokens;
    std::optional<cluster::RemoteCounter> remote_counter;
    std::unique_ptr<cluster::ApiDoor> door;
    std::vector<net::ListenAddress> api_listen;
    mutable metrics::Metrics watch;
    std::unique_ptr<metrics::WatchServer> watch_server;
    // On the owner:
    std::unique_ptr<Owner> owner;
    std::optional<cluster::OwnerDesk> owner_desk;
    std::function<Result<void>()> ready;
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

backup::Door& AcsServer::Impl::open_config_door() {
    backup::DoorOptions options;
    options.allows_basic = origin_tls != nullptr;
    options.nonce_key = random_key();
    options.clock = steady_now;
    options.wall_time = wall_now;
    options.log = log_of("configurations");
    return config_door.emplace(*settings.backup_keys, counter, std::move(options));
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
    options.rate_bps = settings.origin_rate_bps;
    options.max_transfers = settings.origin_transfers;
    options.clock = steady_now;
    options.wall_time = wall_now;
    options.log = log_of("origin");
    if (copies) options.supply = &copies->supply();
    if (settings.backup_keys) {
        options.side_door = &open_config_door();
        options.http.body_bytes = backup::kMaxBackup;
        options.http.body_timeout = kConfigurationTime;
    }
    SLUICE_TRY(origin, origin::Origin::start(io, tokens, *shelf, std::move(options)));
    return success();
}

Result<void> AcsServer::Impl::open_store() {
    store::StoreOptions options;
    options.url = settings.store;
    options.log = log_of("store");
    SLUICE_TRY(store, store::Store::open(options, [this](std::function<void()> job) {
                   boost::asio::post(io, std::move(job));
               }));
    return success();
}

Result<void> AcsServer::Impl::start_endpoint() {
    cwmp::acs::EndpointOptions options;
    options.listen = settings.listen;
    options.tls = cwmp_tls;
    const auto& terms = settings.endpoint;
    options.sessions = terms.sessions;
    options.http.connections = terms.connections;
    options.http.connections_per_address = terms.connections_per_address;
    options.http.handshakes = terms.handshakes;
    options.terms.policy.idle_timeout = terms.session_timeout;
    options.admission.username = settings.cpe.username;
    options.admission.password = settings.cpe.password;
    options.admission.device_secret = terms.device_secret;
    options.admission.ties_certificate = terms.ties_certificate;
    options.admission.nonce_key = random_key();
    options.admission.nonces.tracked = 2 * options.sessions;
    options.terms.mapping = settings.mapping;
    options.terms.lan = settings.lan;
    options.terms.callable = settings.callable;
    options.clock = steady_now;
    options.random = fill_random;
    SLUICE_TRY(endpoint, cwmp::acs::EndpointPool::start(io, desk, std::move(options),
                                                        settings.endpoint.threads));
    return success();
}

Result<void> AcsServer::Impl::open_channel() {
    if (settings.cluster_listen.empty()) return success();
    const auto tls = cluster::make_tls(settings.cluster_secret);
    const auto& at = settings.cluster_listen.front();
    SLUICE_TRY(channel_server, cluster::ChannelServer::start(io, tls, at, log_of("nodes")));
    channel = std::make_unique<cluster::Channel>(io, tls, log_of("nodes"));
    cluster_address = settings.cluster_address;
    if (cluster_address.empty())
        cluster_address = net::ListenAddress{at.address, channel_server->port()}.text();
    copies.emplace(io, tls, *shelf, *channel, *channel_server, cluster_address, log_of("images"),
                   cluster::ImageCopies::Terms{});
    desk.set_elsewhere(&remote_desk.emplace(*channel));
    tokens.set_elsewhere(&remote_tokens.emplace(io, *channel));
    counter.set_elsewhere(&remote_counter.emplace(*channel));
    return success();
}

Result<void> AcsServer::Impl::start_cluster() {
    store::LeaseTerms terms;
    terms.address = cluster_address;
    const auto pass_on = [this](int socket, const std::string& peer) {
        if (channel)
            channel->tunnel(socket, peer);
        else
            cluster::close_socket(socket);
    };
    SLUICE_TRY(door, cluster::ApiDoor::open(io, settings.api_listen, pass_on, log_of("API")));
    api_listen = door->addresses();
    store->hold(std::move(terms), [this](const store::LeaseNews& news) { take_news(news); });
    return success();
}

Result<void> AcsServer::Impl::start() {
    const bool is_shared = store::is_shared(settings.store);
    SLUICE_CHECK(load_tls());
    SLUICE_TRY(shelf, origin::Shelf::open(settings.images, is_shared ? origin::FolderUse::shared
                                                                     : origin::FolderUse::alone));
    SLUICE_CHECK(open_channel());
    SLUICE_CHECK(start_origin());
    SLUICE_CHECK(open_store());
    SLUICE_CHECK(start_watch());
    if (settings.program == Program::acs) {
        SLUICE_CHECK(start_endpoint());
    }
    if (is_shared) return start_cluster();
    api_listen = settings.api_listen;
    return become_owner();
}

// --- whose the store is -----------------------------------------------------------------------

std::string AcsServer::Impl::metrics_text() const {
    metrics::Standing standing;
    rest::RestCounters counters;
    if (endpoint) {
        standing.cwmp = &endpoint->counters();
        standing.cwmp_http = &endpoint->http_counters();
    }
    standing.origin = &origin->counters();
    standing.origin_http = &origin->http_counters();
    if (owner) owner->fill(standing, counters);
    return watch.text(standing);
}

// A front may be sent devices once somebody owns the store.
Result<void> AcsServer::Impl::start_watch() {
    if (settings.metrics_listen.empty()) return success();
    SLUICE_TRY(watch_server,
               metrics::WatchServer::start(
                   io, {settings.metrics_listen, [this] { return metrics_text(); },
                        [this]() -> std::string { return ready ? "nobody owns the store" : ""; },
                        log_of("watchers")}));
    return success();
}

Result<void> AcsServer::Impl::become_owner() {
    if (channel) channel->set_owner({});
    door.reset();  // the API itself listens there from now on
    const bool is_local = std::ranges::all_of(settings.api_listen, is_loopback);
    SLUICE_TRY(owner, Owner::start({io, settings, *store, *shelf, client_tls,
                                    is_local ? nullptr : origin_tls, api_listen, origin_url(),
                                    [this](const std::string& why) { fail(why); }, watch,
                                    [this] { return metrics_text(); }, spread()}));
    const auto may_act = [this] { return store->is_ours(); };
    desk.set_here(owner->desk(), may_act);
    tokens.set_here(owner->tokens(), may_act);
    counter.set_here(owner->counter(), may_act);
    if (channel_server) {
        owner_desk.emplace(owner->desk(), owner->tokens(), may_act, wall_now);
        channel_server->own(
            [this](const cluster::Message& question, cluster::ChannelServer::Reply reply) {
                if (cluster::answer_counter(&counter, question, reply)) return;
                if (copies->answer(question, reply)) return;
                owner_desk->on_question(question, std::move(reply));
            },
            [this](int socket, const std::string& peer) { owner->adopt(socket, peer); });
    }
    if (copies) copies->own([this] { return owner->images(); });
    owner->begin();
    return success();
}

std::function<void(const service::ImageRow&, std::function<void(Result<void>)>)>
AcsServer::Impl::spread() {
    if (!copies) return {};
    return [this](const service::ImageRow& image, std::function<void(Result<void>)> done) {
        copies->spread(image, std::move(done));
    };
}

void AcsServer::Impl::take_news(const store::LeaseNews& news) {
    using Whose = store::LeaseNews::Whose;
    const bool is_ours = news.whose == Whose::ours;
    if (!is_ours && owner) return fail("another node owns it now");
    if (!news.why.empty())
        net::log_warning(is_ours ? "the lease cannot be renewed" : "nobody can own the store",
                         {{"why", news.why}});
    if (!is_ours && channel) channel->set_owner(news.row.address);
    if (is_ours && !owner) {
        net::log_info("this node owns the store", {{"epoch", std::to_string(news.row.epoch)}});
        if (const auto done = become_owner(); !done.has_value()) return fail(done.error().message);
    }
    if (news.whose == Whose::anothers)
        net::log_info("another node owns the store",
                      {{"at", news.row.address}, {"epoch", std::to_string(news.row.epoch)}});
    if (news.whose != Whose::nobodys) be_ready();
}

void AcsServer::Impl::be_ready() {
    if (!ready) return;
    const auto done = std::exchange(ready, nullptr)();
    if (!done.has_value()) fail(done.error().message);
}

void AcsServer::Impl::fail(const std::string& why) {
    if (!failure) failure = why;
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
    const auto& impl = *impl_;
    const auto api = impl.owner ? impl.owner->api_port() : impl.api_listen.front().port;
    const auto cwmp = impl.endpoint ? impl.endpoint->port() : std::uint16_t{0};
    return {cwmp, impl.origin->port(), api,
            impl.channel_server ? impl.channel_server->port() : std::uint16_t{0},
            impl.watch_server ? impl.watch_server->port() : std::uint16_t{0}};
}

Result<void> AcsServer::run(std::function<Result<void>()> ready) {
    auto& impl = *impl_;
    impl.signals.add(SIGINT);
    impl.signals.add(SIGTERM);
    impl.signals.async_wait([&impl](boost::system::error_code ec, int) {
        if (ec) return;
        net::log_info("stopping");
        impl.io.stop();
    });
    impl.ready = std::move(ready);
    if (impl.owner) impl.be_ready();
    impl.io.run();
    if (impl.failure) return Error{"the store failed, and so ends this process: " + *impl.failure};
    return success();
}

}  // namespace sluice::acs
