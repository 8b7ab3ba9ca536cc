#include "acs-plugin/split/watch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace sluice::split {
namespace {

// One who changes rules changes several: they are looked at together.
constexpr auto kSettle = std::chrono::milliseconds(50);

Error failed(const char* what) {
    return Error{std::string(what) + ": " + std::strerror(errno)};
}

int open_netlink() {
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    int group = NFNLGRP_NFTABLES;
    if (fd < 0) return fd;
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0)
        return fd;
    close(fd);
    return -1;
}

// True when there was anything, also when more came than the socket could hold.
bool drain(int fd) {
    std::array<char, 65'536> ignored;
    bool any = false;
    while (true) {
        const auto n = recv(fd, ignored.data(), ignored.size(), 0);
        if (n <= 0 && errno != ENOBUFS) return any;
        any = true;
        if (n == 0) return any;
    }
}

}  // namespace

Result<Watch> Watch::open() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
    if (sigprocmask(SIG_BLOCK, &signals, nullptr) != 0) return failed("cannot block signals");
    const int netlink = open_netlink();
    if (netlink < 0) return failed("cannot listen to changes of nftables");
    const int fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        close(netlink);
        return failed("cannot listen to signals");
    }
    return Watch(netlink, fd);
}

Watch::Watch(Watch&& other) noexcept
    : netlink_(std::exchange(other.netlink_, -1)), signals_(std::exchange(other.signals_, -1)) {}

Watch::~Watch() {
    if (netlink_ >= 0) close(netlink_);
    if (signals_ >= 0) close(signals_);
}

Woken Watch::wait(Duration at_most) {
    std::array<pollfd, 2> fds{{{netlink_, POLLIN, 0}, {signals_, POLLIN, 0}}};
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(at_most).count();
    const auto bounded = std::clamp<std::int64_t>(ms, 0, 3'600'000);
    Woken out;
    if (poll(fds.data(), fds.size(), static_cast<int>(bounded)) <= 0) return out;
    if (fds[0].revents != 0) {
        poll(nullptr, 0, static_cast<int>(kSettle.count()));
        out.by_change = drain(netlink_);
    }
    signalfd_siginfo info;
    while (read(signals_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        if (info.ssi_signo == SIGHUP) out.by_reload = true;
        if (info.ssi_signo != SIGHUP) out.by_stop = true;
    }
    return out;
}

Result<RunLock> RunLock::take(const std::string& table) {
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return failed("cannot open a local socket");
    // An abstract name: it belongs to the network namespace, as the table does, and ends with us.
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto name = "sluice-split." + table;
    std::copy(name.begin(), name.end(), address.sun_path + 1);
    const auto length = offsetof(sockaddr_un, sun_path) + 1 + name.size();
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(length)) == 0)
        return RunLock(fd);
    const bool is_taken = errno == EADDRINUSE;
    auto error = is_taken ? Error{"'sluice-split run' is at work on table " + table}
                          : failed("cannot take the lock");
    close(fd);
    return error;
}

RunLock::RunLock(RunLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

RunLock::~RunLock() {
    if (fd_ >= 0) close(fd_);
}

}  // namespace sluice::split
