#include "acs-plugin/cluster/api_door.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <deque>

namespace sluice::cluster {

namespace asio = boost::asio;
using asio::ip::tcp;

struct ApiDoor::Impl : std::enable_shared_from_this<Impl> {
    explicit Impl(asio::io_context& i) : io(i) {}

    Result<void> listen(net::ListenAddress at);
    void accept(tcp::acceptor& acceptor);

    asio::io_context& io;
    std::deque<tcp::acceptor> acceptors;
    std::vector<net::ListenAddress> addresses;
    std::function<void(int)> pass_on;
};

Result<void> ApiDoor::Impl::listen(net::ListenAddress at) {
    auto& acceptor = acceptors.emplace_back(io);
    boost::system::error_code ec;
    const tcp::endpoint endpoint(asio::ip::make_address(at.address, ec), at.port);
    if (!ec) acceptor.open(endpoint.protocol(), ec);
    if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec && endpoint.protocol() == tcp::v6()) acceptor.set_option(asio::ip::v6_only(true), ec);
    if (!ec) acceptor.bind(endpoint, ec);
    if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
    if (ec) return Error{at.text() + ": " + ec.message()};
    at.port = acceptor.local_endpoint(ec).port();
    addresses.push_back(std::move(at));
    accept(acceptor);
    return success();
}

void ApiDoor::Impl::accept(tcp::acceptor& acceptor) {
    acceptor.async_accept(
        [weak = weak_from_this(), &acceptor](boost::system::error_code ec, tcp::socket socket) {
            const auto self = weak.lock();
            if (!self || ec == asio::error::operation_aborted) return;
            if (!ec) self->pass_on(socket.release());
            self->accept(acceptor);
        });
}

Result<std::unique_ptr<ApiDoor>> ApiDoor::open(asio::io_context& io,
                                               const std::vector<net::ListenAddress>& listen,
                                               std::function<void(int)> pass_on) {
    auto impl = std::make_shared<Impl>(io);
    impl->pass_on = std::move(pass_on);
    for (const auto& address : listen) SLUICE_CHECK(impl->listen(address));
    return std::unique_ptr<ApiDoor>(new ApiDoor(std::move(impl)));
}

ApiDoor::~ApiDoor() {
    boost::system::error_code ignored;
    for (auto& acceptor : impl_->acceptors) acceptor.close(ignored);
}

const std::vector<net::ListenAddress>& ApiDoor::addresses() const {
    return impl_->addresses;
}

}  // namespace sluice::cluster
