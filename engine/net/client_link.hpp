#pragma once
// One TCP connection with or without TLS on it, under a ClientConnection. Handlers hold the link
// by shared_ptr, so what the kernel or OpenSSL still finishes after a close has a place to land;
// `owner` is null from then on and nobody is told. An Owner has on_connected() and
// on_unreachable(why). Only client_connection.cpp includes this.

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/time.hpp"
#include "engine/net/answer_head.hpp"
#include "engine/net/client_tls.hpp"
#include "engine/net/round_trip.hpp"
#include "engine/net/url.hpp"

namespace sluice::net {

template <class Owner>
struct ClientLink : std::enable_shared_from_this<ClientLink<Owner>> {
    using Tcp = boost::asio::ip::tcp;
    using Tls = boost::asio::ssl::stream<Tcp::socket&>;

    ClientLink(boost::asio::io_context& io, Owner* its_owner)
        : socket(io), timer(io), resolver(io), owner(its_owner) {}

    Tcp::socket socket;
    boost::asio::steady_timer timer;
    Tcp::resolver resolver;
    std::optional<Tls> tls;
    Owner* owner;

    // Heads, small bodies and TLS records land here first; [begin, end) is unread.
    std::array<char, kMaxAnswerHead> in;
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t low_water = 1;    // SO_RCVLOWAT
    std::string out;              // being written
    std::string pending;          // to be written after it
    std::string local_address;    // to connect from; empty: the system's choice
    std::size_t near_window = 0;  // 0 also: bounded already

    // Name, TCP and TLS, all within `timeout`; then one of the owner's two calls. `from`: an IP
    // literal, or empty.
    void open(const Url& url, ClientTls& client_tls, Duration timeout,
              const std::string& from = {}) {
        local_address = from;
        const auto self = this->shared_from_this();
        timer.expires_after(timeout);
        timer.async_wait([self](boost::system::error_code error) {
            if (!error) self->fail("connect: timed out");
        });
        boost::system::error_code not_literal;
        const auto address = boost::asio::ip::make_address(url.host, not_literal);
        if (!not_literal) {
            // No resolver, and so no thread of its, for the addresses that peers have.
            const Tcp::endpoint there(address, url.port);
            return connect(Tcp::resolver::results_type::create(there, "", ""), url, client_tls);
        }
        resolver.async_resolve(url.host, std::to_string(url.port),
                               [self, url, &client_tls](boost::system::error_code error,
                                                        const Tcp::resolver::results_type& found) {
                                   if (error) return self->fail("resolve: " + error.message());
                                   if (self->owner) self->connect(found, url, client_tls);
                               });
    }

    std::string_view unread() const { return {in.data() + begin, end - begin}; }
    void compact() {
        std::copy(in.data() + begin, in.data() + end, in.data());
        end -= begin;
        begin = 0;
    }

    // A read wakes us only once so many bytes are there, or the end is. Not more than are still to
    // come, or it never does.
    void wait_for_bytes(std::size_t count) {
        if (count == low_water) return;
        boost::system::error_code ignored;
        socket.set_option(boost::asio::socket_base::receive_low_watermark(static_cast<int>(count)),
                          ignored);
        low_water = count;
    }

    template <class Buffer, class Handler>
    void read_some(const Buffer& buffer, Handler&& handler) {
        if (tls) {
            tls->async_read_some(buffer, std::forward<Handler>(handler));
        } else {
            socket.async_read_some(buffer, std::forward<Handler>(handler));
        }
    }
    template <class Handler>
    void write(Handler&& handler) {
        const auto buffer = boost::asio::buffer(out);
        if (tls) {
            boost::asio::async_write(*tls, buffer, std::forward<Handler>(handler));
        } else {
            boost::asio::async_write(socket, buffer, std::forward<Handler>(handler));
        }
    }
    void connect(const Tcp::resolver::results_type& addresses, const Url& url,
                 ClientTls& client_tls) {
        const auto self = this->shared_from_this();
        if (!local_address.empty()) return connect_from_here(addresses, url, client_tls);
        boost::asio::async_connect(
            socket, addresses,
            [self, url, &client_tls](boost::system::error_code error, const Tcp::endpoint&) {
                self->on_tcp_connected(error, url, client_tls);
            });
    }
    // The first address of our own address's family; async_connect would undo the bind.
    void connect_from_here(const Tcp::resolver::results_type& addresses, const Url& url,
                           ClientTls& client_tls) {
        boost::system::error_code error = boost::asio::error::host_unreachable;
        const auto here = boost::asio::ip::make_address(local_address, error);
        for (const auto& each : addresses) {
            const auto there = each.endpoint();
            if (there.address().is_v4() != here.is_v4()) continue;
            socket.open(there.protocol(), error);
            if (!error) socket.bind({here, 0}, error);
            if (error) break;
            return socket.async_connect(there, [self = this->shared_from_this(), url,
                                                &client_tls](boost::system::error_code failure) {
                self->on_tcp_connected(failure, url, client_tls);
            });
        }
        // Not from inside the caller.
        boost::asio::post(socket.get_executor(),
                          [self = this->shared_from_this(), why = error.message()] {
                              self->fail("connect from " + self->local_address + ": " + why);
                          });
    }
    void on_tcp_connected(boost::system::error_code error, const Url& url, ClientTls& client_tls) {
        if (error) return fail("connect: " + error.message());
        if (!owner) return;
        socket.set_option(Tcp::no_delay(true), error);
        reset_on_close(true);
        bound_window_if_near();
        if (url.is_tls) return start_tls(url.host, client_tls);
        owner->on_connected();
    }
    // Whatever closes the socket, also the kernel when this process is killed: after a FIN alone a
    // server may take us for a client that only closed its own side, and goes on sending what
    // nobody will read.
    void reset_on_close(bool resets) {
        boost::system::error_code ignored;
        socket.set_option(boost::asio::socket_base::linger(resets, 0), ignored);
    }
    // A line of a LAN's length needs no large window. A busy machine's handshake may take longer
    // than that: asked again with each answer, until it is near. Bounded is the buffer, and not
    // TCP_WINDOW_CLAMP, which newer kernels lift when segments turn out dense. Twice what is asked
    // for is given, and no window is larger than its buffer.
    void bound_window_if_near() {
        constexpr Duration kNear = std::chrono::milliseconds(2);
        if (near_window <= in.size()) return;
        const auto fd = socket.native_handle();
        const auto trip = least_round_trip(fd);
        if (!trip || *trip >= kNear) return;
        const auto half = static_cast<int>((near_window - in.size()) / 2);
        (void)::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &half, sizeof half);
        near_window = 0;
    }
    void start_tls(const std::string& host, ClientTls& client_tls) {
        auto context = client_tls.context();
        if (!context) return fail(context.error().message);
        tls.emplace(socket, *context.value());
        SSL_set_tlsext_host_name(tls->native_handle(), host.c_str());
        boost::system::error_code error;
        tls->set_verify_callback(boost::asio::ssl::host_name_verification(host), error);
        tls->async_handshake(boost::asio::ssl::stream_base::client,
                             [self = this->shared_from_this()](boost::system::error_code failure) {
                                 if (failure) return self->fail("TLS: " + failure.message());
                                 if (self->owner) self->owner->on_connected();
                             });
    }
    void fail(const std::string& why) {
        if (owner) owner->on_unreachable(why);
    }
    // `is_idle`: no answer is on its way, and a FIN says all.
    void close(bool is_idle) {
        owner = nullptr;
        boost::system::error_code ignored;
        if (is_idle) reset_on_close(false);
        timer.cancel(ignored);
        resolver.cancel();
        socket.close(ignored);
    }
};

}  // namespace sluice::net
