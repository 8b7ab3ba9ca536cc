#include "acs-plugin/cluster/acceptor.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

namespace sluice::cluster {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto kPause = std::chrono::milliseconds(100);

}  // namespace

struct Acceptor::Impl : std::enable_shared_from_this<Impl> {
    Impl(asio::io_context& io, Take t, Log l)
        : take(std::move(t)), log(std::move(l)), acceptor(io), pause(io) {}

    void accept();
    void wait(const std::string& why);

    const Take take;
    const Log log;
    tcp::acceptor acceptor;
    asio::steady_timer pause;
    bool is_stuck = false;
};

void Acceptor::Impl::accept() {
    acceptor.async_accept(
        [weak = weak_from_this()](boost::system::error_code ec, tcp::socket socket) {
            const auto self = weak.lock();
            if (!self || ec == asio::error::operation_aborted) return;
            if (ec) return self->wait(ec.message());
            self->is_stuck = false;
            self->take(std::move(socket));
            self->accept();
        });
}

void Acceptor::Impl::wait(const std::string& why) {
    if (!std::exchange(is_stuck, true) && log) log("accepting a connection: " + why);
    pause.expires_after(kPause);
    pause.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
        const auto self = weak.lock();
        if (!ec && self && self->acceptor.is_open()) self->accept();
    });
}

Acceptor::Acceptor(asio::io_context& io, Take take, Log log)
    : impl_(std::make_shared<Impl>(io, std::move(take), std::move(log))) {}

Acceptor::~Acceptor() {
    boost::system::error_code ignored;
    impl_->acceptor.close(ignored);
}

Result<net::ListenAddress> Acceptor::listen(net::ListenAddress at) {
    auto& acceptor = impl_->acceptor;
    boost::system::error_code ec;
    const tcp::endpoint endpoint(asio::ip::make_address(at.address, ec), at.port);
    if (!ec) acceptor.open(endpoint.protocol(), ec);
    if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec && endpoint.protocol() == tcp::v6()) acceptor.set_option(asio::ip::v6_only(true), ec);
    if (!ec) acceptor.bind(endpoint, ec);
    if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
    if (ec) return Error{at.text() + ": " + ec.message()};
    at.port = acceptor.local_endpoint(ec).port();
    impl_->accept();
    return at;
}

}  // namespace sluice::cluster
