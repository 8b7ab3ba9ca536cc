#pragma once
// One TCP connection with or without TLS on it, under an HttpClient: from a name to bytes, every
// step bounded in time, every failure told in words that name what was wrong. Handlers hold the
// link; after close() nobody is told any more. Only http_client.cpp includes this.

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/time.hpp"
#include "engine/net/client_tls.hpp"
#include "engine/net/http_client.hpp"
#include "engine/net/url.hpp"

namespace sluice::net {

class HttpLink;

class HttpLinkOwner {
public:
    virtual ~HttpLinkOwner() = default;
    virtual void on_connected(const HttpLink& from) = 0;
    virtual void on_written(const HttpLink& from) = 0;
    virtual void on_bytes(HttpLink& from) = 0;  // appended to `in`
    virtual void on_end(const HttpLink& from) = 0;
    virtual void on_failed(const HttpLink& from, ClientFault fault, const std::string& why) = 0;
};

class HttpLink : public std::enable_shared_from_this<HttpLink> {
public:
    HttpLink(boost::asio::io_context& io, std::weak_ptr<HttpLinkOwner> owner, Url url,
             std::string local_address)
        : owner_(std::move(owner)),
          url_(std::move(url)),
          server_(url_.authority()),
          local_address_(std::move(local_address)),
          socket_(io),
          resolver_(io),
          timer_(io) {}

    std::string in;  // unread

    // Name, TCP and TLS within `timeout`.
    void open(ClientTls& tls, Duration timeout);
    // Writes, and then reads, all within `timeout`.
    void write(std::string bytes, Duration timeout);
    void read();
    void stop_timer();
    void close();

private:
    using Tcp = boost::asio::ip::tcp;
    using error_code = boost::system::error_code;

    void connect_next();
    void on_tcp_connected(error_code error);
    void start_tls();
    std::string tls_reason(error_code error);
    void arm(Duration timeout, std::string why);
    void fail(ClientFault fault, const std::string& why);
    std::shared_ptr<HttpLinkOwner> owner() const { return is_closed_ ? nullptr : owner_.lock(); }

    std::weak_ptr<HttpLinkOwner> owner_;
    const Url url_;
    const std::string server_;  // of its TLS session
    const std::string local_address_;
    ClientTls* tls_ = nullptr;
    Tcp::socket socket_;
    Tcp::resolver resolver_;
    boost::asio::steady_timer timer_;
    std::optional<boost::asio::ssl::stream<Tcp::socket&>> stream_;
    std::vector<Tcp::endpoint> endpoints_;  // still to be tried
    std::size_t next_endpoint_ = 0;
    std::string connect_error_ = "no address";  // of the last one tried
    std::string out_;                           // being written
    std::array<char, 8 * 1024> block_;
    bool is_closed_ = false;
};

}  // namespace sluice::net
