#include "acs-plugin/cluster/api_door.hpp"

#include "acs-plugin/cluster/acceptor.hpp"

namespace sluice::cluster {

using boost::asio::ip::tcp;

Result<std::unique_ptr<ApiDoor>> ApiDoor::open(boost::asio::io_context& io,
                                               const std::vector<net::ListenAddress>& listen,
                                               PassOn pass_on,
                                               std::function<void(const std::string&)> log) {
    std::unique_ptr<ApiDoor> out(new ApiDoor);
    for (const auto& address : listen) {
        auto take = [pass_on](tcp::socket socket) {
            boost::system::error_code ec;
            const auto peer = socket.remote_endpoint(ec).address().to_string();
            if (!ec) socket.set_option(boost::asio::socket_base::keep_alive(true), ec);
            if (!ec) pass_on(socket.release(), peer);
        };
        auto acceptor = std::make_unique<Acceptor>(io, std::move(take), log);
        SLUICE_TRY(auto found, acceptor->listen(address));
        out->addresses_.push_back(std::move(found));
        out->acceptors_.push_back(std::move(acceptor));
    }
    return out;
}

ApiDoor::~ApiDoor() = default;

}  // namespace sluice::cluster
