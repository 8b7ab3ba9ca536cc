#pragma once
// One connection between two nodes, after its handshake: frames both ways, each a length and as
// many bytes. What waits to be sent is bounded, and so is a frame: a node that takes nothing, or
// says too much, is cut off. On one io_context's thread.

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "acs-plugin/cluster/messages.hpp"
#include "acs-plugin/cluster/secret_tls.hpp"

namespace sluice::cluster {

inline constexpr std::size_t kMaxUnsent = 64u * 1024 * 1024;

using Stream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket>;

class Link : public std::enable_shared_from_this<Link> {
public:
    struct Events {
        std::function<void(const std::string& frame)> taken;
        std::function<void(const std::string& why)> lost;  // at most once, and the last
    };
    explicit Link(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {}

    void start(Events events);
    void send(const std::string& frame);
    // Without `lost`.
    void close();
    // From inside `taken`: the bare stream, once what is to be sent has left; where that cannot
    // leave, never. The link is over.
    void release(std::function<void(std::unique_ptr<Stream>)> to);

private:
    void read_length();
    void read_frame(std::uint32_t length);
    void write();
    void give();
    void drop();
    void fail(const std::string& why);

    std::unique_ptr<Stream> stream_;
    Events events_;
    std::function<void(std::unique_ptr<Stream>)> released_to_;
    std::uint8_t length_[4] = {};
    std::string frame_;
    std::string unsent_, under_way_;
    bool is_writing_ = false;
    bool is_over_ = false;
};

}  // namespace sluice::cluster
