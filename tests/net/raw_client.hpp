#pragma once
// A client without manners: a socket on loopback that sends whatever bytes a test wants, when it
// wants. Every wait is bounded.

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::tests {

class RawClient {
public:
    // `from`: the last number of the 127.0.0.x that it connects from; 0: the system's choice.
    explicit RawClient(std::uint16_t port, int receive_buffer = 0, std::uint32_t from = 0)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        if (receive_buffer > 0)
            ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        if (from != 0) {
            sockaddr_in own{};
            own.sin_family = AF_INET;
            own.sin_addr.s_addr = htonl(0x7f000000u + from);
            ::bind(fd_, reinterpret_cast<sockaddr*>(&own), sizeof own);
        }
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        is_connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    }
    ~RawClient() { close(); }
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    bool is_connected() const { return is_connected_; }

    // False once the server has closed on us.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    // What comes until `count` bytes are there, the server closes, or the time is over.
    std::string receive(std::size_t count, int timeout_ms = 5000) {
        std::string out;
        while (out.size() < count && wait_readable(timeout_ms)) {
            char buffer[65536];
            const auto got = ::recv(fd_, buffer, std::min(sizeof buffer, count - out.size()), 0);
            if (got <= 0) {
                is_ended_ = true;
                was_reset_ = got < 0 && errno == ECONNRESET;
                break;
            }
            out.append(buffer, static_cast<std::size_t>(got));
        }
        return out;
    }
    // One head, through its empty line: looked for first, so that nothing behind it is taken.
    std::string receive_head(int timeout_ms = 5000) {
        std::string out;
        while (!out.ends_with("\r\n\r\n") && wait_readable(timeout_ms)) {
            char seen[4096];
            const auto count = ::recv(fd_, seen, sizeof seen, MSG_PEEK);
            if (count <= 0) break;
            const auto kept = out.size();
            out.append(seen, static_cast<std::size_t>(count));
            if (const auto end = out.find("\r\n\r\n"); end != std::string::npos)
                out.resize(end + 4);
            ::recv(fd_, seen, out.size() - kept, 0);
        }
        return out;
    }
    // Head and the body its Content-Length promises.
    struct Answer {
        int status = 0;
        std::string head;
        std::string body;
    };
    Answer receive_answer(int timeout_ms = 5000) {
        Answer out;
        out.head = receive_head(timeout_ms);
        if (out.head.size() > 12) out.status = std::atoi(out.head.c_str() + 9);
        const auto at = out.head.find("Content-Length: ");
        if (at != std::string::npos)
            out.body = receive(std::strtoull(out.head.c_str() + at + 16, nullptr, 10), timeout_ms);
        return out;
    }
    // Whether the server ends the connection, in whatever way, within the time.
    bool is_closed_within(int timeout_ms) {
        receive(std::size_t{1} << 30, timeout_ms);
        return is_ended_;
    }

    // By RST, which on other systems also takes back what was not read yet.
    bool was_reset() const { return was_reset_; }

    void finish_sending() { ::shutdown(fd_, SHUT_WR); }
    // RST instead of FIN.
    void reset() {
        const linger now{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close();
    }
    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

private:
    bool wait_readable(int timeout_ms) {
        pollfd p{fd_, POLLIN, 0};
        return ::poll(&p, 1, timeout_ms) > 0;
    }

    int fd_;
    bool is_connected_ = false;
    bool is_ended_ = false;
    bool was_reset_ = false;
};

}  // namespace sluice::tests
