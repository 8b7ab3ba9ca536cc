#include "tests/bench/serving/load_client.hpp"

#include <arpa/inet.h>
#include <cstdio>
#include <cstdlib>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "engine/http/digest.hpp"
#include "engine/http/range.hpp"

namespace sluice::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Connection {
    int fd = -1;
    std::uint64_t next_offset = 0;
    std::optional<http::DigestChallenge> challenge;
    std::uint32_t nonce_count = 0;
    std::string head;  // of the answer that is coming in
    std::uint64_t body_left = 0;
    bool is_in_body = false;
};

int connect_to(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
        std::perror("load client: connect");
        std::exit(1);
    }
    const int one = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

}  // namespace

struct LoadClient::Impl {
    explicit Impl(const Load& its_load) : load(its_load) {}

    Load load;
    int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<Connection> connections;
    std::uint64_t bytes = 0;
    std::uint64_t failures = 0;

    void ask(Connection& c);
    void read(Connection& c);
    bool read_head(Connection& c);
    bool read_body(Connection& c);
};

LoadClient::LoadClient(const Load& load) : impl_(std::make_unique<Impl>(load)) {
    impl_->connections.resize(load.connections);
    for (std::uint32_t i = 0; i < load.connections; ++i) {
        auto& c = impl_->connections[i];
        c.fd = connect_to(load.port);
        c.next_offset = load.length / load.connections * i / load.range_bytes * load.range_bytes;
        epoll_event event{EPOLLIN, {}};
        event.data.u32 = i;
        ::epoll_ctl(impl_->epoll, EPOLL_CTL_ADD, c.fd, &event);
        impl_->ask(c);
    }
}

LoadClient::~LoadClient() {
    for (const auto& c : impl_->connections) ::close(c.fd);
    ::close(impl_->epoll);
}

std::uint64_t LoadClient::failures() const {
    return impl_->failures;
}

std::uint64_t LoadClient::run_for(std::chrono::nanoseconds time) {
    impl_->bytes = 0;
    const auto end = Clock::now() + time;
    epoll_event events[64];
    while (Clock::now() < end) {
        const int count = ::epoll_wait(impl_->epoll, events, 64, 100);
        for (int i = 0; i < count; ++i) impl_->read(impl_->connections[events[i].data.u32]);
    }
    return impl_->bytes;
}

void LoadClient::Impl::ask(Connection& c) {
    if (c.next_offset + load.range_bytes > load.length) c.next_offset = 0;
    std::string request = "GET " + load.target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" +
                          "User-Agent: sluice-agent/bench\r\nRange: " +
                          http::format_range({c.next_offset, c.next_offset + load.range_bytes}) +
                          "\r\n";
    if (c.challenge)
        request += "Authorization: " +
                   http::format_digest_authorization(*c.challenge, *load.credentials, "GET",
                                                     load.target, "b3nch", ++c.nonce_count) +
                   "\r\n";
    request += "\r\n";
    if (::send(c.fd, request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size()))
        ++failures;
    c.head.clear();
    c.is_in_body = false;
}

void LoadClient::Impl::read(Connection& c) {
    while (c.is_in_body ? read_body(c) : read_head(c)) {
    }
}

// Takes exactly the head out of the socket: a look first, then what belongs to it.
bool LoadClient::Impl::read_head(Connection& c) {
    char peek[2048];
    const auto seen = ::recv(c.fd, peek, sizeof peek, MSG_PEEK | MSG_DONTWAIT);
    if (seen <= 0) return false;
    const std::string_view text(peek, static_cast<std::size_t>(seen));
    const auto end = text.find("\r\n\r\n");
    if (end == std::string_view::npos) return false;
    c.head.resize(end + 4);
    if (::recv(c.fd, c.head.data(), c.head.size(), 0) != static_cast<ssize_t>(c.head.size()))
        return false;
    const auto length = c.head.find("Content-Length: ");
    c.body_left = std::strtoull(c.head.c_str() + length + 16, nullptr, 10);
    c.is_in_body = true;
    const bool is_part = c.head.compare(9, 3, "206") == 0;
    if (is_part) {
        c.next_offset += load.range_bytes;
    } else if (c.head.compare(9, 3, "401") == 0 && load.credentials) {
        const auto at = c.head.find("WWW-Authenticate: ") + 18;
        if (c.challenge) ++failures;
        c.challenge = http::find_digest_challenge(c.head.substr(at, c.head.find("\r\n", at) - at));
        c.nonce_count = 0;
    } else {
        ++failures;
    }
    return true;
}

bool LoadClient::Impl::read_body(Connection& c) {
    if (c.body_left > 0) {
        const auto got = ::recv(c.fd, nullptr, c.body_left, MSG_TRUNC | MSG_DONTWAIT);
        if (got <= 0) return false;
        c.body_left -= static_cast<std::uint64_t>(got);
        bytes += static_cast<std::uint64_t>(got);
    }
    if (c.body_left > 0) return false;
    ask(c);
    return false;  // its answer makes the socket readable again
}

}  // namespace sluice::bench
