#pragma once
// The REST API's port on a node that does not own the store: every connection is passed on whole to
// the owner's, TLS and all, so that operators may knock anywhere. Closed when the node becomes the
// owner: then the API itself listens there.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/net/listen_address.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::cluster {

class ApiDoor {
public:
    // Owns the socket that it is given; `peer`: whose it is, an address without a port.
    using PassOn = std::function<void(int socket, const std::string& peer)>;

    // `log` may be empty.
    static Result<std::unique_ptr<ApiDoor>> open(boost::asio::io_context& io,
                                                 const std::vector<net::ListenAddress>& listen,
                                                 PassOn pass_on,
                                                 std::function<void(const std::string& line)> log);
    ~ApiDoor();
    ApiDoor(const ApiDoor&) = delete;
    ApiDoor& operator=(const ApiDoor&) = delete;

    // As asked for, with the ports that were found for 0.
    const std::vector<net::ListenAddress>& addresses() const { return addresses_; }

private:
    ApiDoor() = default;
    std::vector<std::unique_ptr<class Acceptor>> acceptors_;
    std::vector<net::ListenAddress> addresses_;
};

}  // namespace sluice::cluster
