#pragma once
// One TCP connection with or without TLS on it, under a ClientConnection. Handlers hold the link
// by shared_ptr, so what the kernel or OpenSSL still finishes after a close has a place to land;
// `owner` is null from then on and nobody is told. Only client_connection.cpp includes this.

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/net/answer_head.hpp"

namespace sluice::net {

template <class Owner>
struct ClientLink {
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
    std::string out;      // being written
    std::string pending;  // to be written after it

    std::string_view unread() const { return {in.data() + begin, end - begin}; }
    void compact() {
        std::copy(in.data() + begin, in.data() + end, in.data());
        end -= begin;
        begin = 0;
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
    void close() {
        owner = nullptr;
        boost::system::error_code ignored;
        timer.cancel(ignored);
        resolver.cancel();
        socket.close(ignored);
    }
};

}  // namespace sluice::net
