#pragma once
// A node that knows the secret and has ways of its own: it says the hello of an owner, and to each
// question whatever a test wants, in frames that need be none.

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "acs-plugin/cluster/frame.hpp"
#include "acs-plugin/cluster/link.hpp"
#include "acs-plugin/cluster/secret_tls.hpp"

namespace sluice::cluster {

// As it goes over the wire: its length before it, which `length` may misstate.
inline std::string wired(const std::string& frame, std::uint32_t length) {
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(length >> shift & 0xff);
    return out + frame;
}
inline std::string wired(const Message& message) {
    const auto frame = to_frame(message);
    return wired(frame, static_cast<std::uint32_t>(frame.size()));
}

class StandIn {
public:
    // What it says to a question, byte for byte; empty: nothing.
    using Says = std::function<std::string(const Message& question)>;

    // `cuts`: each answer is its last word on that connection.
    StandIn(boost::asio::io_context& io, std::string_view secret, Says says, bool cuts = false)
        : tls_(std::make_shared<SecretTls>(secret)),
          says_(std::move(says)),
          cuts_(cuts),
          acceptor_(io, {boost::asio::ip::make_address("127.0.0.1"), 0}) {
        accept();
    }

    ~StandIn() { die(); }
    StandIn(const StandIn&) = delete;
    StandIn& operator=(const StandIn&) = delete;

    std::string address() const {
        return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
    }
    std::size_t connections() const { return all_.size(); }
    // It dies: all that it has is cut.
    void die() {
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        for (const auto& each : all_) each->stream.next_layer().close(ignored);
    }

private:
    struct Each : std::enable_shared_from_this<Each> {
        Each(boost::asio::ip::tcp::socket socket, SecretTls& tls)
            : stream(std::move(socket), tls.server()) {}
        void read(const StandIn& of) {
            boost::asio::async_read(
                stream, boost::asio::buffer(head),
                [self = shared_from_this(), &of](boost::system::error_code ec, std::size_t) {
                    std::uint32_t length = 0;
                    for (const auto byte : self->head) length = length << 8 | byte;
                    if (!ec) self->read_frame(length, of);
                });
        }
        void read_frame(std::uint32_t length, const StandIn& of) {
            frame.resize(length);
            boost::asio::async_read(
                stream, boost::asio::buffer(frame),
                [self = shared_from_this(), &of](boost::system::error_code ec, std::size_t) {
                    if (ec) return;
                    const auto heard = from_frame(self->frame).value();
                    const bool is_hello = heard.contains("hello");
                    self->words =
                        is_hello ? wired(Message{
                                       {"hello", kVersion}, {"is_owner", true}, {"images", true}})
                                 : of.says_(heard);
                    self->write(of, !is_hello && of.cuts_);
                });
        }
        void write(const StandIn& of, bool is_last) {
            boost::asio::async_write(stream, boost::asio::buffer(words),
                                     [self = shared_from_this(), &of, is_last](
                                         boost::system::error_code ec, std::size_t) {
                                         if (!ec && !is_last) return self->read(of);
                                         self->stream.next_layer().close(ec);
                                     });
        }
        boost::asio::ssl::stream<boost::asio::ip::tcp::socket> stream;
        std::uint8_t head[4] = {};
        std::string frame, words;
    };

    void accept() {
        acceptor_.async_accept(
            [this](boost::system::error_code ec, boost::asio::ip::tcp::socket socket) {
                if (ec) return;
                auto each = std::make_shared<Each>(std::move(socket), *tls_);
                all_.push_back(each);
                each->stream.async_handshake(Stream::server,
                                             [this, each](boost::system::error_code failed) {
                                                 if (!failed) each->read(*this);
                                             });
                accept();
            });
    }

    const std::shared_ptr<SecretTls> tls_;
    const Says says_;
    const bool cuts_;
    boost::asio::ip::tcp::acceptor acceptor_;
    std::vector<std::shared_ptr<Each>> all_;
};

}  // namespace sluice::cluster
