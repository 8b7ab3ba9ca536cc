// What a device gives to its site's swarm when it was restarted.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/agent/managed/managed_device.hpp"

namespace sluice::tests {
namespace {

// A socket on 127.0.0.1, bound to a port that was free a moment ago or connected to one.
class Socket {
public:
    std::uint16_t bind_any() {
        sockaddr_in at = address(0);
        socklen_t length = sizeof at;
        ::bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at);
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &length);
        return ntohs(at.sin_port);
    }
    bool connect(std::uint16_t port) {
        const timeval patience{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        const sockaddr_in at = address(port);
        return ::connect(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
    }
    // What it answers to, as many bytes as were said.
    std::string answer_to(const std::string& greeting) {
        if (::send(fd_, greeting.data(), greeting.size(), MSG_NOSIGNAL) < 0) return {};
        std::string answer(greeting.size(), '\0');
        const auto got = ::recv(fd_, answer.data(), answer.size(), MSG_WAITALL);
        answer.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
        return answer;
    }
    ~Socket() { ::close(fd_); }

private:
    static sockaddr_in address(std::uint16_t port) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(port);
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return at;
    }
    const int fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

// BEP 3 and BEP 52: who is of the swarm greets back in its name.
bool is_greeted_back(std::uint16_t port, const image::ImageId& id) {
    const auto& digest = id.digest.bytes;
    const std::string protocol = std::string(1, 19) + "BitTorrent protocol";
    const std::string swarm(digest.begin(), digest.begin() + 20);
    Socket peer;
    if (!peer.connect(port)) return false;
    const auto answer = peer.answer_to(protocol + std::string{0, 0, 0, 0, 0, 0, 0, 0x10} + swarm +
                                       "-XX0000-neighbour000");
    return answer.size() == 68 && answer.substr(28, 20) == swarm;
}

TEST(ManagedSwarm, IsJoinedAgainAfterARestart) {
#ifndef SLUICE_WITH_SWARM
    GTEST_SKIP() << "this agent knows no swarm";
#endif
    const auto port = Socket().bind_any();
    ManagedDevice device;
    auto assignment = device.assignment();
    assignment.swarm.emplace();
    assignment.swarm->port = port;
    assignment.swarm->peers = {{"127.0.0.1", 9}};
    assignment.swarm->cpu_gate_percent = 100;
    device.publish(assignment);
    device.acs.ask(device.stage("s1"));
    device.start();
    ASSERT_TRUE(eventually([&] { return !device.acs.transfers().empty(); })) << device.said();
    ASSERT_EQ(device.acs.transfers()[0].fault.code, 0u) << device.acs.transfers()[0].fault.text;
    EXPECT_TRUE(eventually([&] { return is_greeted_back(port, device.image.id); }));

    device.kill();
    ASSERT_FALSE(is_greeted_back(port, device.image.id));
    device.start();
    EXPECT_TRUE(eventually([&] { return is_greeted_back(port, device.image.id); }))
        << device.said();
}

}  // namespace
}  // namespace sluice::tests
