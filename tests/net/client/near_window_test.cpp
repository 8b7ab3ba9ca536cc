// What a server can send to a client that has stopped reading: all of it is lost when the client's
// process dies.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "tests/net/client/client_rig.hpp"

namespace sluice::tests {
namespace {

using testing::Gt;
using testing::Le;

// Sends a body without end to its one client; counts what that one's kernel took.
class Flood {
public:
    Flood() {
        const int few = 16 * 1024;
        ::setsockopt(listener_, SOL_SOCKET, SO_SNDBUF, &few, sizeof few);
        at_.sin_family = AF_INET;
        at_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::bind(listener_, reinterpret_cast<sockaddr*>(&at_), sizeof at_);
        ::listen(listener_, 1);
        socklen_t size = sizeof at_;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at_), &size);
        thread_ = std::thread([this] { flood(); });
    }
    ~Flood() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    std::string url() const {
        return "http://127.0.0.1:" + std::to_string(ntohs(at_.sin_port)) + "/i";
    }
    bool is_stuck() const { return taken_ > 0; }
    int taken() const { return taken_; }

private:
    void flood() {
        const int client = ::accept(listener_, nullptr, nullptr);
        if (client < 0) return;
        char request[4096];
        (void)::recv(client, request, sizeof request, 0);
        std::string more =
            "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kBody) + "\r\n\r\n";
        more.resize(kBody, 'x');
        std::size_t sent = 0;
        // Stuck: for so long nothing could be sent.
        for (pollfd out{client, POLLOUT, 0}; sent < more.size() && ::poll(&out, 1, 300) > 0;) {
            const auto n =
                ::send(client, more.data() + sent, more.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n > 0) sent += static_cast<std::size_t>(n);
        }
        int on_its_way = 0;
        ::ioctl(client, SIOCOUTQ, &on_its_way);
        taken_ = static_cast<int>(sent) - on_its_way;
        ::close(client);
    }

    static constexpr std::size_t kBody = 8 << 20;
    const int listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at_{};
    std::atomic<int> taken_{0};
    std::thread thread_;
};

// By a client that reads `read` bytes first.
int taken_from(const net::ClientOptions& options, std::size_t read) {
    Flood server;
    ClientRig rig(options);
    auto& sink = rig.get(server.url(), 0, 0, 8 << 20);
    sink.memory.resize(64 * 1024);
    sink.room_left = read;
    EXPECT_TRUE(rig.run_until([&] { return server.is_stuck(); }));
    EXPECT_EQ(sink.body.size(), read);
    return server.taken() - static_cast<int>(read);
}

TEST(NearWindow, BoundsWhatANearServerCanHaveOnItsWay) {
    net::ClientOptions options;
    options.near_window = 64 * 1024;
    EXPECT_THAT(taken_from(options, 0), Le(64 * 1024)) << "at once";
    options.near_window = 128 * 1024;
    EXPECT_THAT(taken_from(options, 2 << 20), Le(128 * 1024)) << "after 2 MiB";
    options.near_window = 0;
    EXPECT_THAT(taken_from(options, 2 << 20), Gt(512 * 1024)) << "as the system likes";
}

}  // namespace
}  // namespace sluice::tests
