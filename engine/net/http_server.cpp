#include "engine/net/http_server.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <optional>
#include <sys/socket.h>
#include <unistd.h>
#include <unordered_map>

#include "engine/http/text.hpp"
#include "engine/net/address_share.hpp"
#include "engine/net/http_connection.hpp"

namespace sluice::net {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr int kBacklog = 512;  // a flood of short visits must not make others wait for a SYN
constexpr Duration kAcceptPause = 100ms;  // out of descriptors: somebody must leave first
constexpr Duration kSlowHandshake = 1s;
constexpr Duration kComplaintPause = 10s;
constexpr std::string_view kTooMany =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Length: 0\r\n"
    "Connection: close\r\n\r\n";

// A program that this process starts would go on listening for it, and hold its port.
void keep_from_children(int fd) {
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

// "fd:7": a socket that listens already, and is the server's from then on.
std::optional<int> listening_socket(const ListenAddress& address) {
    if (!address.address.starts_with("fd:")) return std::nullopt;
    return http::parse_number<unsigned>(std::string_view(address.address).substr(3));
}

tcp protocol_of(int socket) {
    sockaddr_storage own{};
    socklen_t length = sizeof own;
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &length);
    return own.ss_family == AF_INET6 ? tcp::v6() : tcp::v4();
}

// Deadlines are looked at this often while anyone is connected; nobody needs them finer.
Duration tick_of(const HttpServerLimits& limits) {
    const auto shortest = std::min({limits.head_timeout, limits.idle_timeout, limits.write_timeout,
                                    limits.half_closed_timeout, limits.handshake_timeout});
    return std::clamp<Duration>(shortest / 4, 1ms, 250ms);
}

}  // namespace

struct HttpServer::Impl final : ConnectionOwner, std::enable_shared_from_this<HttpServer::Impl> {
    Impl(boost::asio::io_context& io_context, HttpHandler& h, const HttpServerLimits& l,
         std::function<void(const std::string&)> log_line, std::shared_ptr<ServerTls> server_tls)
        : io(io_context),
          its_handler(h),
          its_limits(l),
          log(std::move(log_line)),
          its_tls(std::move(server_tls)),
          timer(io),
          budget(std::make_shared<BodyBudget>(BodyBudget{l.all_bodies_bytes})) {}

    HttpHandler& handler() override { return its_handler; }
    const HttpServerLimits& limits() const override { return its_limits; }
    HttpServerCounters& counters() override { return its_counters; }
    Instant now() const override { return {std::chrono::steady_clock::now().time_since_epoch()}; }
    ExchangeId open_exchange(HttpConnection& connection) override;
    void close_exchange(ExchangeId id) override { exchanges.erase(id.value); }
    void forget(HttpConnection& connection) override;
    std::shared_ptr<BodyBudget> body_budget() override { return budget; }
    ServerTls* tls() override { return its_tls.get(); }
    void handshake_over(const std::string& why) override;

    Result<std::uint16_t> listen(const ListenAddress& address);
    Result<std::uint16_t> accept_on(std::unique_ptr<tcp::acceptor> acceptor);
    void accept(tcp::acceptor& acceptor);
    void welcome(tcp::socket socket);
    void welcome(tcp::socket socket, const std::string& address);
    bool has_room_for(const std::string& address);
    bool has_room_for_handshake(const std::string& address);
    void turn_away(HttpConnection& connection);
    void arm_timer();
    HttpConnection* find(ExchangeId id) const;

    boost::asio::io_context& io;
    HttpHandler& its_handler;
    const HttpServerLimits its_limits;
    std::function<void(const std::string&)> log;
    HttpServerCounters its_counters;
    std::shared_ptr<ServerTls> its_tls;
    boost::asio::steady_timer timer;
    std::shared_ptr<BodyBudget> budget;
    std::uint32_t handshakes = 0;
    Instant complained = Instant{} - kComplaintPause;
    std::uint64_t last_connection = 0;
    bool is_timer_armed = false;
    std::vector<std::unique_ptr<tcp::acceptor>> acceptors;
    std::unordered_map<HttpConnection*, std::shared_ptr<HttpConnection>> connections;
    std::unordered_map<std::string, std::uint32_t> by_address;
    std::unordered_map<std::uint32_t, HttpConnection*> exchanges;
    std::uint32_t last_exchange = 0;
};

ExchangeId HttpServer::Impl::open_exchange(HttpConnection& connection) {
    do {
        ++last_exchange;
    } while (last_exchange == 0 || exchanges.contains(last_exchange));
    exchanges.emplace(last_exchange, &connection);
    return ExchangeId{last_exchange};
}

HttpConnection* HttpServer::Impl::find(ExchangeId id) const {
    const auto at = exchanges.find(id.value);
    return at == exchanges.end() ? nullptr : at->second;
}

void HttpServer::Impl::forget(HttpConnection& connection) {
    const auto of_address = by_address.find(counted_as(connection.address()));
    if (of_address != by_address.end() && --of_address->second == 0) by_address.erase(of_address);
    connections.erase(&connection);
    its_counters.open = connections.size();
}

Result<std::uint16_t> HttpServer::Impl::listen(const ListenAddress& address) {
    const auto fail = [&](const error_code& ec) {
        return Error{"listening on " + address.text() + ": " + ec.message()};
    };
    error_code ec;
    auto acceptor = std::make_unique<tcp::acceptor>(io);
    if (const auto socket = listening_socket(address)) {
        acceptor->assign(protocol_of(*socket), *socket, ec);
        if (ec) return fail(ec);
        return accept_on(std::move(acceptor));
    }
    const auto ip = boost::asio::ip::make_address(address.address, ec);
    if (ec) return fail(ec);
    acceptor->open(ip.is_v6() ? tcp::v6() : tcp::v4(), ec);
    if (!ec && ip.is_v6()) acceptor->set_option(boost::asio::ip::v6_only(true), ec);
    if (!ec) acceptor->set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec) acceptor->bind({ip, address.port}, ec);
    if (!ec) acceptor->listen(kBacklog, ec);
    if (!ec) keep_from_children(acceptor->native_handle());
    if (ec) return fail(ec);
    return accept_on(std::move(acceptor));
}

Result<std::uint16_t> HttpServer::Impl::accept_on(std::unique_ptr<tcp::acceptor> acceptor) {
    error_code ec;
    const auto port = acceptor->local_endpoint(ec).port();
    if (ec) return Error{"listening: " + ec.message()};
    acceptors.push_back(std::move(acceptor));
    accept(*acceptors.back());
    return port;
}

void HttpServer::Impl::accept(tcp::acceptor& acceptor) {
    acceptor.async_accept([weak = weak_from_this(), &acceptor](error_code ec, tcp::socket socket) {
        const auto self = weak.lock();
        if (!self || ec == boost::asio::error::operation_aborted) return;
        if (!ec) {
            self->welcome(std::move(socket));
            return self->accept(acceptor);
        }
        if (self->log) self->log("accepting a connection: " + ec.message());
        auto pause = std::make_shared<boost::asio::steady_timer>(self->io, kAcceptPause);
        pause->async_wait([weak, &acceptor, pause](error_code) {
            if (const auto again = weak.lock()) again->accept(acceptor);
        });
    });
}

// A full house makes room by closing the connection that has been idle longest.
bool HttpServer::Impl::has_room_for(const std::string& address) {
    const auto of_address = by_address.find(counted_as(address));
    if (of_address != by_address.end() && of_address->second >= its_limits.connections_per_address)
        return false;
    if (connections.size() < its_limits.connections) return true;
    HttpConnection* idle = nullptr;
    for (const auto& [connection, owned] : connections)
        if (connection->is_idle() &&
            (idle == nullptr || connection->quiet_since() < idle->quiet_since()))
            idle = connection;
    if (idle == nullptr) return false;
    turn_away(*idle);
    return true;
}

void HttpServer::Impl::turn_away(HttpConnection& connection) {
    const auto keep = connection.shared_from_this();
    if (keep->is_shaking_hands()) handshake_over("somebody else needed its place");
    keep->shut_down();
    forget(*keep);
}

// A herd is let in as fast as it can be. When it is full, the address that holds most makes way for
// one that holds fewer; among equals, only who has been at it for long.
bool HttpServer::Impl::has_room_for_handshake(const std::string& address) {
    if (!its_tls || handshakes < its_limits.handshakes) return true;
    std::unordered_map<std::string, std::uint32_t> held;
    for (const auto& [connection, owned] : connections)
        if (connection->is_shaking_hands()) ++held[counted_as(connection->address())];
    HttpConnection* slowest = nullptr;  // of the address that holds most
    for (const auto& [connection, owned] : connections) {
        if (!connection->is_shaking_hands()) continue;
        const auto more = slowest == nullptr
                              ? 1
                              : std::int64_t{held[counted_as(connection->address())]} -
                                    std::int64_t{held[counted_as(slowest->address())]};
        if (more > 0 || (more == 0 && connection->quiet_since() < slowest->quiet_since()))
            slowest = connection;
    }
    if (slowest == nullptr) return false;
    const bool holds_more = held[counted_as(slowest->address())] > held[counted_as(address)] + 1;
    if (!holds_more && now() - slowest->quiet_since() < kSlowHandshake) return false;
    turn_away(*slowest);
    return true;
}

// Devices with a wrong CA come again and again: one line now and then says enough.
void HttpServer::Impl::handshake_over(const std::string& why) {
    --handshakes;
    if (why.empty()) return;
    ++its_counters.bad_handshakes;
    if (!log || now() - complained < kComplaintPause) return;
    complained = now();
    log("TLS handshake: " + why + " (" + std::to_string(its_counters.bad_handshakes) +
        " since the start)");
}

void HttpServer::Impl::welcome(tcp::socket socket) {
    error_code ec;
    const auto peer = socket.remote_endpoint(ec);
    if (!ec) welcome(std::move(socket), peer.address().to_string());  // else: gone already
}

void HttpServer::Impl::welcome(tcp::socket socket, const std::string& address) {
    error_code ec;
    keep_from_children(socket.native_handle());
    socket.native_non_blocking(true, ec);
    socket.set_option(tcp::no_delay(true), ec);
    socket.set_option(boost::asio::socket_base::keep_alive(true), ec);
    if (!has_room_for(address) || !has_room_for_handshake(address)) {
        ++its_counters.turned_away;
        if (!its_tls) socket.send(boost::asio::buffer(kTooMany), MSG_NOSIGNAL, ec);
        return;
    }
    ++its_counters.accepted;
    ++by_address[counted_as(address)];
    auto connection =
        std::make_shared<HttpConnection>(*this, std::move(socket), address, ++last_connection);
    if (its_tls) ++handshakes;
    connections.emplace(connection.get(), connection);
    its_counters.open = connections.size();
    connection->begin();
    arm_timer();
}

void HttpServer::Impl::arm_timer() {
    if (is_timer_armed || connections.empty()) return;
    is_timer_armed = true;
    timer.expires_after(tick_of(its_limits));
    timer.async_wait([weak = weak_from_this()](error_code ec) {
        const auto self = weak.lock();
        if (!self || ec) return;
        self->is_timer_armed = false;
        std::vector<std::shared_ptr<HttpConnection>> all;
        for (const auto& [raw, connection] : self->connections) all.push_back(connection);
        const auto at = self->now();
        for (const auto& connection : all) connection->check_deadline(at);
        self->arm_timer();
    });
}

HttpServer::HttpServer(boost::asio::io_context& io, HttpHandler& handler,
                       const HttpServerLimits& limits, std::function<void(const std::string&)> log,
                       std::shared_ptr<ServerTls> tls)
    : impl_(std::make_shared<Impl>(io, handler, limits, std::move(log), std::move(tls))) {
    std::signal(SIGPIPE, SIG_IGN);
}

HttpServer::~HttpServer() {
    for (const auto& [raw, connection] : impl_->connections) connection->shut_down();
}

Result<std::uint16_t> HttpServer::listen(const ListenAddress& address) {
    return impl_->listen(address);
}
void HttpServer::adopt(int socket, const std::string& address) {
    error_code ec;
    tcp::socket taken(impl_->io);
    taken.assign(tcp::v4(), socket, ec);  // whose family nobody asks for
    if (ec)
        ::close(socket);
    else
        impl_->welcome(std::move(taken), address);
}
void HttpServer::answer(ExchangeId id, const HttpResponse& response) {
    if (auto* connection = impl_->find(id)) connection->answer(response);
}
bool HttpServer::start(ExchangeId id, const HttpResponse& response, std::uint64_t length) {
    if (auto* connection = impl_->find(id)) connection->start(response, length);
    return impl_->find(id) != nullptr;  // the connection may have broken meanwhile
}
void HttpServer::send_file(ExchangeId id, int fd, std::uint64_t offset, std::uint32_t bytes) {
    if (auto* connection = impl_->find(id)) connection->send_file(fd, offset, bytes);
}
void HttpServer::send_text(ExchangeId id, std::string text) {
    if (auto* connection = impl_->find(id)) connection->send_text(std::move(text));
}
void HttpServer::start_open(ExchangeId id, const HttpResponse& response) {
    if (auto* connection = impl_->find(id)) connection->start_open(response);
}
void HttpServer::end(ExchangeId id) {
    if (auto* connection = impl_->find(id)) connection->end();
}
std::size_t HttpServer::unsent(ExchangeId id) const {
    const auto* connection = impl_->find(id);
    return connection == nullptr ? 0 : connection->unsent();
}
void HttpServer::abort(ExchangeId id) {
    if (auto* connection = impl_->find(id)) connection->abort();
}
const HttpServerCounters& HttpServer::counters() const {
    return impl_->its_counters;
}

}  // namespace sluice::net
