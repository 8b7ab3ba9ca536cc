#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "acs-plugin/cluster/acceptor.hpp"
#include "acs-plugin/cluster/channel.hpp"
#include "acs-plugin/cluster/dial.hpp"
#include "acs-plugin/cluster/splice.hpp"

namespace sluice::cluster {

namespace asio = boost::asio;
using asio::ip::tcp;
using local = asio::local::stream_protocol;

namespace {

constexpr auto kHandshakeTime = std::chrono::seconds(5);
constexpr auto kComplaintPause = std::chrono::seconds(10);
constexpr std::size_t kMaxLinks = 512;
constexpr std::size_t kMaxAddress = 300;  // a host name and its port

}  // namespace

struct ChannelServer::Impl : std::enable_shared_from_this<Impl> {
    using Clock = std::chrono::steady_clock;
    struct Node {
        std::uint64_t number = 0;
        std::string at;  // where it is dialled
        Clock::time_point heard;
    };
    Impl(asio::io_context& i, std::shared_ptr<SecretTls> t, Log l, std::chrono::milliseconds p)
        : io(i), tls(std::move(t)), log(std::move(l)), presence(p) {}

    Result<void> listen(const net::ListenAddress& at);
    void greet(tcp::socket socket);
    void take_first(const std::shared_ptr<Link>& link, const std::string& frame);
    void meet(const std::shared_ptr<Link>& link, const Message& hello);
    void take(const std::shared_ptr<Link>& link, const Message& message);
    void forget(const std::shared_ptr<Link>& link);
    void lead_to_api(std::unique_ptr<Stream> stream, const std::string& peer);
    void complain(const std::string& why);

    asio::io_context& io;
    const std::shared_ptr<SecretTls> tls;
    const Log log;
    const std::chrono::milliseconds presence;
    std::optional<Acceptor> acceptor;
    std::uint16_t port = 0;
    Question question;  // empty: not the owner
    Question images;    // empty: this node gives none
    ApiVisit visit;
    std::set<std::shared_ptr<Link>> links;
    std::set<std::shared_ptr<Link>> takers;  // of images
    std::map<std::shared_ptr<Link>, Node> nodes;
    std::uint64_t last_node = 0;
    std::size_t handshakes = 0;
    Clock::time_point complained{};
};

Result<void> ChannelServer::Impl::listen(const net::ListenAddress& at) {
    acceptor.emplace(
        io,
        [weak = weak_from_this()](tcp::socket socket) {
            if (const auto self = weak.lock()) self->greet(std::move(socket));
        },
        log);
    SLUICE_TRY(const auto found, acceptor->listen(at));
    port = found.port;
    return success();
}

void ChannelServer::Impl::greet(tcp::socket socket) {
    if (links.size() + handshakes >= kMaxLinks) return;
    const auto stream = std::make_shared<Stream>(std::move(socket), tls->server());
    boost::system::error_code ignored;
    stream->next_layer().set_option(tcp::no_delay(true), ignored);
    stream->next_layer().set_option(asio::socket_base::keep_alive(true), ignored);
    auto timer = std::make_shared<asio::steady_timer>(io, kHandshakeTime);
    timer->async_wait([stream](boost::system::error_code ec) {
        boost::system::error_code closed;
        if (!ec) stream->next_layer().close(closed);
    });
    ++handshakes;
    stream->async_handshake(
        Stream::server, [weak = weak_from_this(), stream, timer](boost::system::error_code ec) {
            timer->cancel();
            const auto self = weak.lock();
            if (!self) return;
            --self->handshakes;
            if (ec) return self->complain(ec.message());
            auto link = std::make_shared<Link>(std::make_unique<Stream>(std::move(*stream)));
            self->links.insert(link);
            const std::weak_ptr<Link> at = link;
            link->start({[weak, at](const std::string& frame) {
                             const auto server = weak.lock();
                             const auto from = at.lock();
                             if (server && from) server->take_first(from, frame);
                         },
                         [weak, at](const std::string&) {
                             const auto server = weak.lock();
                             if (server) server->forget(at.lock());
                         }});
        });
}

// Who knocks without end must not fill the log.
void ChannelServer::Impl::complain(const std::string& why) {
    const auto now = Clock::now();
    if (!log || now - complained < kComplaintPause) return;
    complained = now;
    log("a stranger at the nodes' door: " + why);
}

void ChannelServer::Impl::take_first(const std::shared_ptr<Link>& link, const std::string& frame) {
    const auto message = from_frame(frame);
    if (!message) return;
    message->contains("ask") ? take(link, *message) : meet(link, *message);
}

void ChannelServer::Impl::meet(const std::shared_ptr<Link>& link, const Message& hello) {
    const bool is_ours = number_of(hello, "hello") == kVersion;
    const bool is_owner = is_ours && question;
    const bool gives_images = is_ours && images;
    const auto purpose = text_of(hello, "for");
    link->send(to_frame({{"hello", kVersion}, {"is_owner", is_owner}, {"images", gives_images}}));
    if (gives_images && purpose == kForImages) takers.insert(link);
    const auto at = text_of(hello, "at");
    if (is_owner && purpose == kForDesk && !at.empty() && at.size() <= kMaxAddress)
        nodes[link] = {++last_node, at, Clock::now()};
    if (!is_owner || purpose != kForApi) return;
    forget(link);
    link->release([weak = weak_from_this(), link,
                   peer = text_of(hello, "peer")](std::unique_ptr<Stream> stream) {
        if (const auto self = weak.lock()) self->lead_to_api(std::move(stream), peer);
    });
}

void ChannelServer::Impl::forget(const std::shared_ptr<Link>& link) {
    links.erase(link);
    takers.erase(link);
    nodes.erase(link);
}

// No TCP between here and the API: that would show our own address for the operator's.
void ChannelServer::Impl::lead_to_api(std::unique_ptr<Stream> stream, const std::string& peer) {
    boost::system::error_code ec, unknown;
    auto whose = asio::ip::make_address(peer, unknown);
    if (unknown) whose = stream->next_layer().remote_endpoint(ec).address();
    auto ours = std::make_unique<local::socket>(io);
    local::socket theirs(io);
    if (!ec) asio::local::connect_pair(*ours, theirs, ec);
    if (ec) return complain(ec.message());
    visit(theirs.release(), whose.to_string());
    splice(std::move(stream), std::move(ours));
}

void ChannelServer::Impl::take(const std::shared_ptr<Link>& link, const Message& message) {
    const auto& asked = takers.contains(link) ? images : question;
    if (!asked) return;
    if (const auto node = nodes.find(link); node != nodes.end()) node->second.heard = Clock::now();
    const auto id = number_of(message, "ask");
    asked(message, [at = std::weak_ptr<Link>(link), id](Message answer) {
        const auto to = at.lock();
        if (!to) return;
        answer["answer"] = id;
        to->send(to_frame(answer));
    });
}

ChannelServer::~ChannelServer() {
    impl_->acceptor.reset();
    for (const auto& link : impl_->links) link->close();
}

Result<std::unique_ptr<ChannelServer>> ChannelServer::start(asio::io_context& io,
                                                            std::shared_ptr<SecretTls> tls,
                                                            const net::ListenAddress& listen,
                                                            Log log,
                                                            std::chrono::milliseconds presence) {
    auto impl = std::make_shared<Impl>(io, std::move(tls), std::move(log), presence);
    SLUICE_CHECK(impl->listen(listen));
    return std::unique_ptr<ChannelServer>(new ChannelServer(std::move(impl)));
}

std::uint16_t ChannelServer::port() const {
    return impl_->port;
}

void ChannelServer::own(Question question, ApiVisit visit) {
    impl_->question = std::move(question);
    impl_->visit = std::move(visit);
}

void ChannelServer::give_images(Question question) {
    impl_->images = std::move(question);
}

std::map<std::uint64_t, std::string> ChannelServer::nodes() const {
    std::map<std::uint64_t, std::string> out;
    const auto since = Impl::Clock::now() - impl_->presence;
    for (const auto& [link, node] : impl_->nodes)
        if (node.heard >= since) out.emplace(node.number, node.at);
    return out;
}

void ChannelServer::tell(const Message& message) {
    const auto frame = to_frame(message);
    for (const auto& [link, node] : impl_->nodes) link->send(frame);
}

}  // namespace sluice::cluster
