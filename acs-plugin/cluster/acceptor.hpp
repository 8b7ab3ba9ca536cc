#pragma once
// A listening port of the nodes' own, and who comes there. When the process is out of file
// descriptors it waits for somebody to leave, and says so once. Inside acs-plugin/cluster only.

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>

#include "engine/base/result.hpp"
#include "engine/net/listen_address.hpp"

namespace sluice::cluster {

class Acceptor {
public:
    using Take = std::function<void(boost::asio::ip::tcp::socket)>;
    using Log = std::function<void(const std::string& line)>;  // may be empty

    Acceptor(boost::asio::io_context& io, Take take, Log log);
    ~Acceptor();
    Acceptor(const Acceptor&) = delete;
    Acceptor& operator=(const Acceptor&) = delete;

    // As asked for, with the port that was found for 0.
    Result<net::ListenAddress> listen(net::ListenAddress at);

    struct Impl;

private:
    std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::cluster
