#include "tests/agent/fetch/test_origin.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::tests {

TestOrigin::TestOrigin(const std::string& address) : address_(address) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    ::inet_pton(AF_INET, address.c_str(), &at.sin_addr);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 ||
        ::listen(listener_, 64) != 0)
        throw std::runtime_error("test origin: cannot listen on " + address);
    socklen_t size = sizeof at;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
}

TestOrigin::~TestOrigin() {
    is_stopping_ = true;
    acceptor_.join();
    for (auto& thread : connections_) thread.join();
    ::close(listener_);
}

std::string TestOrigin::url(const std::string& path) const {
    return "http://" + address_ + ":" + std::to_string(port_) + path;
}

std::uint64_t TestOrigin::bytes_sent(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    const auto at = sent_.find(path);
    return at == sent_.end() ? 0 : at->second;
}

int TestOrigin::requests(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    const auto at = requests_.find(path);
    return at == requests_.end() ? 0 : at->second;
}

void TestOrigin::accept_all() {
    while (!is_stopping_) {
        pollfd at{listener_, POLLIN, 0};
        if (::poll(&at, 1, 10) <= 0) continue;
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) continue;
        if (is_gone_) {
            ::close(fd);
            continue;
        }
        // What a slow connection's client has not read yet must stay countable: a small buffer.
        const int small = 8 * 1024;
        if (rate_ > 0) ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        ++open_;
        connections_.emplace_back([this, fd] {
            serve(fd);
            --open_;
        });
    }
}

void TestOrigin::serve(int fd) {
    std::string buffer;
    while (!is_stopping_ && !is_gone_) {
        if (const auto end = buffer.find("\r\n\r\n"); end != std::string::npos) {
            const auto head = buffer.substr(0, end + 4);
            buffer.erase(0, end + 4);
            if (!answer(fd, head)) break;
            continue;
        }
        pollfd at{fd, POLLIN, 0};
        if (::poll(&at, 1, 10) <= 0) continue;
        char block[4096];
        const auto got = ::recv(fd, block, sizeof block, 0);
        if (got <= 0) break;
        buffer.append(block, static_cast<std::size_t>(got));
    }
    ::close(fd);
}

bool TestOrigin::answer(int fd, const std::string& head) {
    const auto target = head.substr(4, head.find(' ', 4) - 4);
    const auto path = target.substr(0, target.find('?'));
    {
        const std::lock_guard lock(mutex_);
        ++requests_[path];
    }
    const auto at = bodies_.find(path);
    std::string_view body = at == bodies_.end() ? std::string_view("none") : at->second;
    std::string answer = at == bodies_.end() ? "HTTP/1.1 404 Not Found\r\n" : "HTTP/1.1 200 OK\r\n";
    if (const auto range = head.find("Range: bytes=");
        range != std::string::npos && !body.empty()) {
        const auto total = body.size();
        const auto begin = std::stoul(head.substr(range + 13));
        const auto last = std::stoul(head.substr(head.find('-', range) + 1));
        body = body.substr(begin, last + 1 - begin);
        answer = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " + std::to_string(begin) +
                 "-" + std::to_string(last) + "/" + std::to_string(total) + "\r\n";
    }
    answer += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    return ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) > 0 && send_body(fd, path, body);
}

bool TestOrigin::send_body(int fd, const std::string& path, std::string_view bytes) {
    constexpr std::size_t kPart = 2048;
    auto next = std::chrono::steady_clock::now();
    while (!bytes.empty()) {
        if (is_stopping_ || is_gone_) return false;
        const auto rate = rate_.load();
        const auto part = rate == 0 ? bytes.size() : std::min(bytes.size(), kPart);
        const auto sent = ::send(fd, bytes.data(), part, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
        {
            const std::lock_guard lock(mutex_);
            sent_[path] += static_cast<std::uint64_t>(sent);
        }
        if (rate == 0) continue;
        // Paced against a clock of its own, as a link would: what was late is not caught up.
        next = std::max(next, std::chrono::steady_clock::now() - std::chrono::milliseconds(5)) +
               std::chrono::nanoseconds(1000000000ull * static_cast<std::uint64_t>(sent) / rate);
        std::this_thread::sleep_until(next);
    }
    return true;
}

}  // namespace sluice::tests
