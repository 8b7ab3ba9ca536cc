#include "tests/split_lab/bench.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::split::lab {
namespace {

constexpr std::array<Side, 3> kSides{Side::cpe, Side::itms, Side::collector};
constexpr std::array<const char*, 3> kRouterEnds{"cpe0", "itms0", "coll0"};
constexpr std::array<const char*, 3> kOurEnds{"w0", "w1", "w2"};

Mac router_mac(Side side) {
    return {2, 0, 0, 0, static_cast<std::uint8_t>(side), 1};
}
Mac our_mac(Side side) {
    return {2, 0, 0, 0, static_cast<std::uint8_t>(side), 2};
}

// The cables are laid from the other namespace, whose process a child is.
constexpr const char* kCables =
    "set -e\n"
    "for i in 0 1 2; do\n"
    "  name=$(echo cpe0 itms0 coll0 | cut -d' ' -f$((i + 1)))\n"
    "  ip link add w$i address 02:00:00:00:0$i:02 type veth"
    " peer name $name address 02:00:00:00:0$i:01 netns $ROUTER\n"
    "  echo 1 >/proc/sys/net/ipv6/conf/w$i/disable_ipv6\n"
    "  ip link set w$i arp off up\n"
    "done\n";

constexpr const char* kRouter =
    "set -e\n"
    "for f in ipv4/ip_forward ipv6/conf/all/forwarding; do echo 1 >/proc/sys/net/$f; done\n"
    "for f in all default cpe0 itms0 coll0; do\n"
    "  echo 0 >/proc/sys/net/ipv4/conf/$f/rp_filter\n"
    "  echo 0 >/proc/sys/net/ipv6/conf/$f/accept_dad\n"
    "done\n"
    "i=0\n"
    "for name in cpe0 itms0 coll0; do\n"
    "  n=$((i + 1))\n"
    "  ip link set $name up\n"
    "  ip address add 10.$n.0.1/24 dev $name\n"
    "  ip address add fd0$n::1/64 dev $name nodad\n"
    "  for host in 2 10 11; do\n"
    "    ip neighbour add 10.$n.0.$host lladdr 02:00:00:00:0$i:02 dev $name nud permanent\n"
    "    ip neighbour add fd0$n::$host lladdr 02:00:00:00:0$i:02 dev $name nud permanent\n"
    "  done\n"
    "  i=$n\n"
    "done\n"
    "ip route add 10.64.0.0/10 via 10.1.0.2\n"
    "ip route add fd64::/16 via fd01::2\n";

int shell(const std::string& script) {
    // What ip complains about is no news when it is retried or skipped by the caller.
    return std::system(("{ " + script + "} 2>&1").c_str());
}

int shell_in(int netns, const std::string& script) {
    const pid_t child = fork();
    if (child == 0) _exit(setns(netns, CLONE_NEWNET) == 0 && shell(script) == 0 ? 0 : 1);
    int status = 1;
    waitpid(child, &status, 0);
    return status;
}

int packet_socket(const char* interface) {
    const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));
    if (fd < 0) return fd;
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(if_nametoindex(interface));
    const int on = 1;
    const int bytes = 64 << 20;
    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

}  // namespace

IpAddress address(const char* text) {
    return *inventory::parse_address(text);
}

IpAddress cpe_address(std::uint32_t index, bool is_v4) {
    auto out = address(is_v4 ? "10.64.0.0" : "fd64::");
    for (int i = 0; i < 3; ++i)
        out.bytes[15 - i] = static_cast<std::uint8_t>(out.bytes[15 - i] | (index >> (8 * i) & 255));
    return out;
}

Settings lab_settings() {
    Settings out;
    out.cpe_interface = "cpe0";
    out.itms_interface = "itms0";
    out.collector_interface = "coll0";
    out.cpe_addresses = {address("10.1.0.1"), address("fd01::1")};
    out.itms = {address("10.2.0.10"), address("fd02::10")};
    out.collectors = {address("10.3.0.10"), address("10.3.0.11"), address("fd03::10"),
                      address("fd03::11")};
    return out;
}

std::unique_ptr<Bench> Bench::open(std::string& why_not) {
    std::unique_ptr<Bench> out(new Bench);
    const auto refuse = [&](const std::string& why) {
        why_not = why;
        return nullptr;
    };
    if (unshare(CLONE_NEWNET) != 0)
        return refuse(std::string("no network namespaces here: ") + std::strerror(errno));
    const int world = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (unshare(CLONE_NEWNET) != 0) return refuse("no second network namespace here");
    const int router = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (auto nft = Nft::open()) {
        out->nft_ = std::make_unique<Nft>(std::move(nft).value());
    } else {
        return refuse(nft.error().message);
    }
    setenv("ROUTER", std::to_string(getpid()).c_str(), 1);
    if (shell_in(world, kCables) != 0 || shell(kRouter) != 0)
        return refuse("no virtual cables here");
    if (setns(world, CLONE_NEWNET) != 0) return refuse("cannot go back into a namespace");
    for (const auto side : kSides) {
        auto& fd = out->sockets_[static_cast<std::size_t>(side)];
        fd = packet_socket(kOurEnds[static_cast<std::size_t>(side)]);
        if (fd < 0) return refuse("no packet sockets here");
    }
    if (setns(router, CLONE_NEWNET) != 0) return refuse("cannot go back into a namespace");
    close(world);
    close(router);
    // On one processor packets of different cables keep their order.
    cpu_set_t all, one;
    CPU_ZERO(&one);
    sched_getaffinity(0, sizeof all, &all);
    for (int cpu = CPU_SETSIZE - 1; cpu >= 0; --cpu) {
        if (!CPU_ISSET(cpu, &all)) continue;
        CPU_SET(cpu, &one);
        break;
    }
    sched_setaffinity(0, sizeof one, &one);
    // Little to do, but at its time, whatever else the machine builds. Without the right to that
    // the tests only need more tries.
    const sched_param urgent{1};
    sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &urgent);
    return out;
}

Bench::~Bench() {
    for (const int fd : sockets_)
        if (fd >= 0) close(fd);
}

Result<void> Bench::install(const Settings& settings) {
    KernelTable table(*nft_, settings);
    SLUICE_CHECK(table.remove());
    return table.install();
}

void Bench::send(Side from, const Segment& segment) {
    const auto frame = frame_of(segment, our_mac(from), router_mac(from));
    const int fd = sockets_[static_cast<std::size_t>(from)];
    if (::send(fd, frame.data(), frame.size(), 0) < 0)
        throw std::runtime_error(std::string("cannot send: ") + std::strerror(errno));
}

void Bench::receive(Side side, std::vector<Arrival>& out) {
    std::array<std::uint8_t, 2048> frame;
    while (true) {
        const auto n =
            recv(sockets_[static_cast<std::size_t>(side)], frame.data(), frame.size(), 0);
        if (n <= 0) return;
        if (auto segment = segment_of(std::span(frame).first(static_cast<std::size_t>(n))))
            out.push_back({side, *segment});
    }
}

std::vector<Arrival> Bench::take(std::size_t wanted, Duration patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    std::vector<Arrival> out;
    while (true) {
        for (const auto side : kSides) receive(side, out);
        const auto left = until - std::chrono::steady_clock::now();
        if (out.size() >= wanted || left <= Duration(0)) return out;
        std::array<pollfd, 3> fds;
        for (std::size_t i = 0; i < 3; ++i) fds[i] = {sockets_[i], POLLIN, 0};
        poll(fds.data(), fds.size(),
             1 + static_cast<int>(
                     std::chrono::duration_cast<std::chrono::milliseconds>(left).count()));
    }
}

}  // namespace sluice::split::lab
