#include "tests/agent/managed/test_file_server.hpp"

#include <arpa/inet.h>
#include <httplib.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/clock.hpp"

namespace sluice::tests {

TestFileServer::TestFileServer()
    : server_(std::make_unique<httplib::Server>()),
      gate_("files", std::array<std::uint8_t, 32>{7},
            http::NonceLimits{std::chrono::minutes(5), 64}) {
    server_->set_tcp_nodelay(true);
    server_->set_keep_alive_timeout(2);
    server_->Get(".*", [this](const auto& q, auto& r) { on_request(q, r); });
    server_->Put(".*", [this](const auto& q, auto& r) { on_request(q, r); });
    port_ = server_->bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_->listen_after_bind(); });
    while (!server_->is_running()) std::this_thread::yield();
}

TestFileServer::~TestFileServer() {
    go_away();
}

void TestFileServer::go_away() {
    if (!server_) return;
    server_->stop();
    if (thread_.joinable()) thread_.join();
    server_.reset();
}

std::string TestFileServer::url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
}

void TestFileServer::require(http::Credentials who) {
    const std::lock_guard lock(mutex_);
    who_ = std::move(who);
}
void TestFileServer::serve(const std::string& path, std::string body) {
    const std::lock_guard lock(mutex_);
    files_[path] = std::move(body);
}
void TestFileServer::answer_puts_with(int status) {
    const std::lock_guard lock(mutex_);
    put_status_ = status;
}
std::vector<TestFileServer::Upload> TestFileServer::uploads() const {
    const std::lock_guard lock(mutex_);
    return uploads_;
}
std::vector<std::string> TestFileServer::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

bool TestFileServer::is_let_in(const httplib::Request& request, httplib::Response& response) {
    if (who_.username.empty()) return true;
    const auto digest_of =
        [this](const http::DigestAuthorization& given) -> std::optional<std::string> {
        if (given.username != who_.username) return std::nullopt;
        return http::password_digest(given, who_.password);
    };
    const auto now = agent::monotonic_now();
    const auto verdict = gate_.judge(request.get_header_value("Authorization"), request.method,
                                     request.target, digest_of, now);
    if (verdict == http::GateVerdict::granted) return true;
    response.status = 401;
    for (const auto& each : gate_.challenges(verdict == http::GateVerdict::stale, now))
        response.set_header("WWW-Authenticate", each);
    return false;
}

void TestFileServer::on_request(const httplib::Request& request, httplib::Response& response) {
    const std::lock_guard lock(mutex_);
    if (is_let_in(request, response)) {
        if (request.method == "PUT") {
            response.status = put_status_;
            if (put_status_ / 100 == 2) uploads_.push_back({request.path, request.body});
        } else if (const auto at = files_.find(request.path); at != files_.end()) {
            response.set_content(at->second, "application/octet-stream");
            response.status = 200;
        } else {
            response.status = 404;
        }
    }
    requests_.push_back(request.method + " " + request.path + " " +
                        std::to_string(response.status));
}

// --- the one that dies ---------------------------------------------------------------------------

DyingServer::DyingServer(std::string words) : words_(std::move(words)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 16);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ::ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
}

DyingServer::~DyingServer() {
    is_stopping_ = true;
    thread_.join();
    ::close(listener_);
}

std::string DyingServer::url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
}

void DyingServer::run() {
    while (!is_stopping_) {
        pollfd at{listener_, POLLIN, 0};
        if (::poll(&at, 1, 10) <= 0) continue;
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        char some[512];
        (void)::recv(fd, some, sizeof some, 0);
        (void)::send(fd, words_.data(), words_.size(), MSG_NOSIGNAL);
        ++deaths_;
        ::close(fd);
    }
}

}  // namespace sluice::tests
