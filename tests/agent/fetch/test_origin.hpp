#pragma once
// An origin, or a neighbour, made for tests: serves byte strings by path with ranges and
// pipelining, and can be slow, gone or a liar. Counts what it sent, byte by byte of the image's
// pieces. Blocking, a thread a connection; nothing here is Sluice's own.

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sluice::tests {

class TestOrigin {
public:
    explicit TestOrigin(const std::string& address = "127.0.0.1");
    ~TestOrigin();
    TestOrigin(const TestOrigin&) = delete;
    TestOrigin& operator=(const TestOrigin&) = delete;

    // Before the first request.
    void add(const std::string& path, std::string body) { bodies_[path] = std::move(body); }

    std::string url(const std::string& path = "") const;
    // Bytes a second over each connection, sent in small parts; 0 = as fast as it goes.
    void set_rate(std::uint64_t bytes_per_second) { rate_ = bytes_per_second; }
    // Every connection is cut and none is taken until it is back.
    void set_gone(bool is_gone) { is_gone_ = is_gone; }

    std::uint64_t bytes_sent(const std::string& path) const;
    int open_connections() const { return open_; }
    int requests(const std::string& path) const;

private:
    void accept_all();
    void serve(int fd);
    bool answer(int fd, const std::string& head);
    bool send_body(int fd, const std::string& path, std::string_view bytes);

    int listener_ = -1;
    std::string address_;
    std::uint16_t port_ = 0;
    std::atomic<bool> is_stopping_{false};
    std::atomic<bool> is_gone_{false};
    std::atomic<std::uint64_t> rate_{0};
    std::atomic<int> open_{0};
    std::map<std::string, std::string> bodies_;
    mutable std::mutex mutex_;  // of the next two
    std::map<std::string, std::uint64_t> sent_;
    std::map<std::string, int> requests_;
    std::thread acceptor_;
    std::vector<std::thread> connections_;  // touched by the acceptor until it is joined
};

}  // namespace sluice::tests
