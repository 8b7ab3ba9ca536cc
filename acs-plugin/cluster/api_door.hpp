#pragma once
// The REST API's port on a node that does not own the store: every connection is passed on whole to
// the owner's, TLS and all, so that operators may knock anywhere. Closed when the node becomes the
// owner: then the API itself listens there.

#include <functional>
#include <memory>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/net/listen_address.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::cluster {

class ApiDoor {
public:
    // `pass_on` owns the socket that it is given.
    static Result<std::unique_ptr<ApiDoor>> open(boost::asio::io_context& io,
                                                 const std::vector<net::ListenAddress>& listen,
                                                 std::function<void(int socket)> pass_on);
    ~ApiDoor();
    ApiDoor(const ApiDoor&) = delete;
    ApiDoor& operator=(const ApiDoor&) = delete;

    // As asked for, with the ports that were found for 0.
    const std::vector<net::ListenAddress>& addresses() const;

private:
    struct Impl;
    explicit ApiDoor(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
    std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::cluster
