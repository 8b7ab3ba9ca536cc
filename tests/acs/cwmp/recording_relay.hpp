#pragma once
// What goes over the wire, taken down on the way: a TCP relay on loopback that notes every chunk
// before it passes it on. Several relays share one record, so that the order over all of them is
// the order in time wherever one message follows from another.

#include <arpa/inet.h>
#include <atomic>
#include <mutex>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace sluice::tests {

struct WireChunk {
    int relay = 0;
    int connection = 0;  // counted over the whole record
    bool is_from_client = true;
    std::string bytes;  // empty: closed
};

class WireRecord {
public:
    void add(WireChunk chunk) {
        const std::lock_guard guard(mutex_);
        chunks_.push_back(std::move(chunk));
    }
    int next_connection() { return connections_++; }
    std::vector<WireChunk> chunks() const {
        const std::lock_guard guard(mutex_);
        return chunks_;
    }
    // Until the clients of that relay have closed so many connections; false after five seconds.
    bool sees_closed(int relay, int count) const {
        for (int i = 0; i < 5000; ++i) {
            int closed = 0;
            for (const auto& c : chunks())
                closed += c.relay == relay && c.is_from_client && c.bytes.empty() ? 1 : 0;
            if (closed >= count) return true;
            ::usleep(1000);
        }
        return false;
    }

private:
    mutable std::mutex mutex_;
    std::vector<WireChunk> chunks_;
    std::atomic<int> connections_{0};
};

class RecordingRelay {
public:
    RecordingRelay(WireRecord& record, int id, std::uint16_t to)
        : record_(record), id_(id), to_(to), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in at = loopback(0);
        ::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at);
        ::listen(listener_, 16);
        socklen_t size = sizeof at;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
        port_ = ntohs(at.sin_port);
        thread_ = std::thread([this] { run(); });
    }
    ~RecordingRelay() {
        is_over_ = true;
        thread_.join();
        ::close(listener_);
        for (const auto& pair : pairs_) {
            ::close(pair.client);
            ::close(pair.server);
        }
    }
    RecordingRelay(const RecordingRelay&) = delete;
    RecordingRelay& operator=(const RecordingRelay&) = delete;

    std::uint16_t port() const { return port_; }

private:
    struct Pair {
        int client = -1, server = -1, number = 0;
        bool is_client_done = false, is_server_done = false;
    };
    static sockaddr_in loopback(std::uint16_t port) {
        sockaddr_in out{};
        out.sin_family = AF_INET;
        out.sin_port = htons(port);
        out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return out;
    }
    void run() {
        while (!is_over_) {
            std::vector<pollfd> fds{{listener_, POLLIN, 0}};
            for (const auto& p : pairs_) {
                fds.push_back({p.is_client_done ? -1 : p.client, POLLIN, 0});
                fds.push_back({p.is_server_done ? -1 : p.server, POLLIN, 0});
            }
            if (::poll(fds.data(), fds.size(), 20) <= 0) continue;
            for (std::size_t i = 0; i < pairs_.size(); ++i) {
                auto& p = pairs_[i];
                if (fds[1 + 2 * i].revents != 0)
                    p.is_client_done = !pass(p.client, p.server, p.number, true);
                if (fds[2 + 2 * i].revents != 0)
                    p.is_server_done = !pass(p.server, p.client, p.number, false);
            }
            if (fds[0].revents != 0) welcome();
        }
    }
    void welcome() {
        Pair pair{::accept(listener_, nullptr, nullptr), ::socket(AF_INET, SOCK_STREAM, 0),
                  record_.next_connection()};
        const sockaddr_in at = loopback(to_);
        ::connect(pair.server, reinterpret_cast<const sockaddr*>(&at), sizeof at);
        pairs_.push_back(pair);
    }
    bool pass(int from, int to, int number, bool is_from_client) {
        char buffer[65536];
        const auto got = ::recv(from, buffer, sizeof buffer, 0);
        const std::string bytes(buffer, got > 0 ? static_cast<std::size_t>(got) : 0);
        record_.add({id_, number, is_from_client, bytes});
        if (got <= 0) ::shutdown(to, SHUT_WR);
        std::string_view rest = bytes;
        while (!rest.empty()) {
            const auto sent = ::send(to, rest.data(), rest.size(), MSG_NOSIGNAL);
            if (sent <= 0) break;
            rest.remove_prefix(static_cast<std::size_t>(sent));
        }
        return got > 0;
    }

    WireRecord& record_;
    const int id_;
    const std::uint16_t to_;
    int listener_;
    std::uint16_t port_ = 0;
    std::atomic<bool> is_over_{false};
    std::vector<Pair> pairs_;
    std::thread thread_;
};

}  // namespace sluice::tests
