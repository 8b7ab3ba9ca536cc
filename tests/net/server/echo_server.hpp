#pragma once
// An HttpServer on loopback whose handler tells back what it was asked, for tests of the server
// itself. Targets: /echo (method, target, body), /file (a file's bytes), /wait (never answered).

#include <string>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/net/http_server.hpp"
#include "tests/net/io_thread.hpp"

namespace sluice::tests {

class EchoServer final : public net::HttpHandler {
public:
    explicit EchoServer(const net::HttpServerLimits& limits = {}, std::size_t file_bytes = 0,
                        std::shared_ptr<net::ServerTls> tls = nullptr)
        : file_size(file_bytes) {
        fd = ::memfd_create("file", MFD_CLOEXEC);
        const std::string chunk(1 << 20, 'f');
        for (std::size_t at = 0; at < file_bytes; at += chunk.size())
            if (::pwrite(fd, chunk.data(), chunk.size(), static_cast<off_t>(at)) < 0) std::abort();
        thread.run([&] {
            server = std::make_unique<net::HttpServer>(
                thread.io(), *this, limits, [this](const std::string& line) { lines += line; },
                std::move(tls));
            port = server->listen({"127.0.0.1", 0}).value();
        });
    }
    ~EchoServer() override {
        thread.run([this] { server.reset(); });
        ::close(fd);
    }
    net::HttpServerCounters counters() {
        return thread.run([this] { return server->counters(); });
    }
    int closed_exchanges() {
        return thread.run([this] { return closed; });
    }
    // Polls until the condition on the server's thread holds; false after five seconds.
    template <class Condition>
    bool becomes_true(Condition condition) {
        for (int i = 0; i < 5000; ++i) {
            if (thread.run(condition)) return true;
            ::usleep(1000);
        }
        return false;
    }

    void on_request(const net::HttpRequest& request, net::ExchangeId id) override {
        const auto target = request.target();
        if (target == "/wait") return;
        if (target == "/file") {
            server->start(id, {200, {}, {}}, file_size);
            handed = std::min<std::size_t>(file_size, kStep);
            return server->send_file(id, fd, 0, static_cast<std::uint32_t>(handed));
        }
        std::string body(request.method());
        body += ' ';
        body += target;
        body += ' ';
        body += request.fields("X-Test");
        body += ' ';
        body += request.body();
        std::string names;
        for (const auto& name : request.client_names()) names += name + ";";
        server->answer(id, {200, {{"X-From", request.client_address()}, {"X-Names", names}}, body});
    }
    void on_sent(net::ExchangeId id, std::uint32_t bytes) override {
        sent += bytes;
        if (sent != handed || handed == file_size) return;
        const auto step = std::min(file_size - handed, kStep);
        server->send_file(id, fd, handed, static_cast<std::uint32_t>(step));
        handed += step;
    }
    void on_closed(net::ExchangeId) override { ++closed; }

    static constexpr std::size_t kStep = 1 << 20;
    std::size_t file_size;
    int fd = -1;
    std::size_t handed = 0, sent = 0;  // of one /file at a time
    int closed = 0;
    std::string lines;  // of the log
    std::uint16_t port = 0;
    std::unique_ptr<net::HttpServer> server;
    IoThread thread;
};

}  // namespace sluice::tests
