#pragma once
// A server that answers with whatever bytes a test wants: each request head of each connection goes
// to the script, what it returns is sent. One thread a connection, every wait bounded.

#include <arpa/inet.h>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <mutex>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace sluice::tests {

struct ScriptedRequest {
    std::string head;          // with its empty line
    int connection = 0;        // 0, 1, … in the order of accept
    int index = 0;             // of the request on its connection
    bool is_followed = false;  // more came in the same breath
};

struct ScriptedReply {
    std::string bytes;
    bool closes = false;  // the connection, after the bytes
};

class ScriptedServer {
public:
    using Script = std::function<ScriptedReply(const ScriptedRequest&)>;

    explicit ScriptedServer(Script script) : script_(std::move(script)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at);
        ::listen(listener_, 16);
        socklen_t size = sizeof at;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
        port_ = ntohs(at.sin_port);
        acceptor_ = std::thread([this] { accept_all(); });
    }
    ~ScriptedServer() {
        is_stopping_ = true;
        acceptor_.join();
        for (auto& thread : connections_) thread.join();
        ::close(listener_);
    }
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;

    std::uint16_t port() const { return port_; }
    std::string url(const std::string& target) const {
        return "http://127.0.0.1:" + std::to_string(port_) + target;
    }
    std::vector<ScriptedRequest> requests() const {
        const std::lock_guard lock(mutex_);
        return requests_;
    }
    // Connections that the client ended, and of these by a reset and not by a FIN.
    int endings() const { return endings_; }
    int resets() const { return resets_; }

private:
    bool wait_readable(int fd) const {
        while (!is_stopping_) {
            pollfd at{fd, POLLIN, 0};
            if (::poll(&at, 1, 20) > 0) return true;
        }
        return false;
    }
    void accept_all() {
        for (int number = 0; wait_readable(listener_); ++number) {
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd >= 0) connections_.emplace_back([this, fd, number] { serve(fd, number); });
        }
    }
    void serve(int fd, int number) {
        std::string buffer;
        for (int index = 0;; ++index) {
            std::size_t end = 0;
            while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
                char block[4096];
                const auto got = wait_readable(fd) ? ::recv(fd, block, sizeof block, 0) : 0;
                if (got <= 0) {
                    if (got < 0 && errno == ECONNRESET) ++resets_;
                    ++endings_;
                    ::close(fd);
                    return;
                }
                buffer.append(block, static_cast<std::size_t>(got));
            }
            const ScriptedRequest request{buffer.substr(0, end + 4), number, index,
                                          buffer.size() > end + 4};
            buffer.erase(0, end + 4);
            {
                const std::lock_guard lock(mutex_);
                requests_.push_back(request);
            }
            const auto reply = script_(request);
            ::send(fd, reply.bytes.data(), reply.bytes.size(), MSG_NOSIGNAL);
            if (!reply.closes) continue;
            ::close(fd);
            return;
        }
    }

    Script script_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<bool> is_stopping_{false};
    std::atomic<int> resets_{0};
    std::atomic<int> endings_{0};
    mutable std::mutex mutex_;
    std::vector<ScriptedRequest> requests_;
    std::thread acceptor_;
    std::vector<std::thread> connections_;  // touched by the acceptor until it is joined
};

// A whole 200 answer, and a 206 answer of the range [begin, begin + body) out of `total`.
inline std::string whole_answer(const std::string& body, const std::string& fields = "") {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + fields +
           "\r\n" + body;
}
inline std::string part_answer(std::size_t begin, const std::string& body, std::size_t total) {
    return "HTTP/1.1 206 Partial Content\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\nContent-Range: bytes " + std::to_string(begin) + "-" +
           std::to_string(begin + body.size() - 1) + "/" + std::to_string(total) + "\r\n\r\n" +
           body;
}
inline std::string empty_answer(int status, const std::string& fields = "") {
    return "HTTP/1.1 " + std::to_string(status) + " Told\r\nContent-Length: 0\r\n" + fields +
           "\r\n";
}

}  // namespace sluice::tests
