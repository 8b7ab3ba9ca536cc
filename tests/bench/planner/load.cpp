#include "tests/bench/planner/load.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::bench {
namespace {

constexpr double kLongest = 120;  // seconds, of one run

[[noreturn]] void die(const std::string& why) {
    std::fprintf(stderr, "bench_planner: %s\n", why.c_str());
    std::exit(1);
}

int dial(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) die("cannot connect");
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

std::string head_of(const std::string& method, const std::string& path, const std::string& type) {
    return method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: " + type +
           "\r\nContent-Length: ";
}

}  // namespace

double now_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

Load::Load(std::uint16_t port, std::size_t connections) : connections_(connections) {
    for (auto& each : connections_) each.fd = dial(port);
}

Load::~Load() {
    for (auto& each : connections_) ::close(each.fd);
}

void Load::send(Connection& connection, const std::string& head, const std::string& body) {
    const auto text = head + std::to_string(body.size()) + "\r\n\r\n" + body;
    for (std::size_t at = 0; at < text.size();) {
        const auto sent = ::send(connection.fd, text.data() + at, text.size() - at, MSG_NOSIGNAL);
        if (sent <= 0) die("the server closed a connection");
        at += static_cast<std::size_t>(sent);
    }
    connection.began = now_seconds();
}

// True once the whole answer is there.
bool Load::receive(Connection& connection, std::string& answer, int& status) {
    char buffer[65536];
    const auto got = ::recv(connection.fd, buffer, sizeof buffer, 0);
    if (got <= 0) die("the server closed a connection");
    auto& in = connection.in;
    in.append(buffer, static_cast<std::size_t>(got));
    const auto end = in.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const auto at = in.find("Content-Length: ");
    if (at == std::string::npos || at > end) die("an answer without Content-Length");
    const auto length = std::strtoull(in.c_str() + at + 16, nullptr, 10);
    if (in.size() < end + 4 + length) return false;
    status = std::atoi(in.c_str() + 9);
    answer = in.substr(end + 4);
    in.clear();
    return true;
}

Outcome Load::run(const std::string& path, const std::vector<std::string>& bodies,
                  const std::function<void(std::size_t place, const std::string& body)>& take) {
    const auto head = head_of("POST", path, "application/json");
    std::vector<double> times;
    times.reserve(bodies.size());
    std::vector<pollfd> polled;
    std::size_t next = 0;
    const double began = now_seconds();
    for (auto& each : connections_) {
        polled.push_back({each.fd, POLLIN, 0});
        if (next == bodies.size()) continue;
        each.place = next;
        send(each, head, bodies[next++]);
    }
    std::string answer;
    while (times.size() < bodies.size()) {
        if (now_seconds() - began > kLongest) die("no end in two minutes");
        if (::poll(polled.data(), polled.size(), 1000) <= 0) continue;
        for (std::size_t i = 0; i < polled.size(); ++i) {
            int status = 0;
            auto& each = connections_[i];
            if (polled[i].revents == 0 || !receive(each, answer, status)) continue;
            if (status != 200) die("answered " + std::to_string(status) + ": " + answer);
            times.push_back(now_seconds() - each.began);
            take(each.place, answer);
            if (next == bodies.size()) continue;
            each.place = next;
            send(each, head, bodies[next++]);
        }
    }
    Outcome out{now_seconds() - began, 0, 0, 0, times.size()};
    std::ranges::sort(times);
    const auto at = [&](double part) {
        return times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))] * 1e3;
    };
    out.p50_ms = at(0.5);
    out.p99_ms = at(0.99);
    out.worst_ms = at(1);
    return out;
}

std::string Load::ask(const std::string& method, const std::string& path, const std::string& body,
                      const std::string& type) {
    auto& one = connections_.front();
    send(one, head_of(method, path, type), body);
    std::string answer;
    for (int status = 0; !receive(one, answer, status);) {
    }
    return answer;
}

}  // namespace sluice::bench
