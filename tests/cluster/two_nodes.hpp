#pragma once
// A front and the owner of the store, in one process and on one thread: the channel's two ends.

#include <arpa/inet.h>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "acs-plugin/cluster/channel.hpp"
#include "acs-plugin/cluster/secret.hpp"

namespace sluice::cluster {

using namespace std::chrono_literals;

inline constexpr char kSecret[] = "what both nodes know";

// One end of a connection: closed with it.
class Socket {
public:
    explicit Socket(int fd = -1) : fd_(fd) {}
    ~Socket() {
        if (fd_ >= 0) ::close(fd_);
    }
    Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Socket& operator=(Socket&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    int get() const { return fd_; }
    int release() { return std::exchange(fd_, -1); }

    void send(const std::string& text) const {
        EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL), ssize_t(text.size()));
    }
    bool is_readable() const {
        pollfd one{fd_, POLLIN, 0};
        return ::poll(&one, 1, 0) == 1;
    }
    std::string receive() const {  // empty: the other end is closed
        char text[64];
        const auto bytes = ::recv(fd_, text, sizeof text, 0);
        return {text, static_cast<std::size_t>(std::max<ssize_t>(bytes, 0))};
    }

private:
    int fd_;
};

inline std::pair<Socket, Socket> connected_pair() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    return {Socket(ends[0]), Socket(ends[1])};
}

inline Socket connected_to(std::uint16_t port,
                           Socket socket = Socket(::socket(AF_INET, SOCK_STREAM, 0))) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    return socket;
}

template <class Condition>
void run_until(boost::asio::io_context& io, Condition is_met) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    bool has_come = is_met();
    while (!has_come && std::chrono::steady_clock::now() < deadline) {
        if (io.stopped()) io.restart();
        io.run_one_for(10ms);
        has_come = is_met();
    }
    EXPECT_TRUE(has_come);
}

class TwoNodes : public testing::Test {
protected:
    struct Visit {
        Socket socket;
        std::string peer;
    };

    TwoNodes() {
        server = ChannelServer::start(io, make_tls(kSecret), {"127.0.0.1", 0}, {}).value();
        server->own([this](const Message& message,
                           ChannelServer::Reply reply) { answer(message, std::move(reply)); },
                    [this](int socket, const std::string& peer) {
                        visits.push_back({Socket(socket), peer});
                    });
    }
    void open_channel() {
        channel.set_owner("127.0.0.1:" + std::to_string(server->port()));
        run_until([&] { return channel.is_open(); });
    }
    template <class Condition>
    void run_until(Condition is_met) {
        cluster::run_until(io, is_met);
    }
    // An operator at the front; theirs is the end that is given back.
    Socket tunnelled(const std::string& peer) {
        auto [theirs, ours] = connected_pair();
        channel.tunnel(ours.release(), peer);
        return std::move(theirs);
    }

    boost::asio::io_context io;
    std::function<void(const Message&, ChannelServer::Reply)> answer;
    std::vector<Visit> visits;
    std::unique_ptr<ChannelServer> server;
    Channel channel{io, make_tls(kSecret), {}};
};

}  // namespace sluice::cluster
