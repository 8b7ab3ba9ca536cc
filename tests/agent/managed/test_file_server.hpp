#pragma once
// A file server on loopback for configurations: gives files by GET and takes them by PUT, to
// whoever has the password. And one that dies in the middle of whatever it does.

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/http/basic.hpp"
#include "engine/http/digest_gate.hpp"

namespace httplib {
class Server;
struct Request;
struct Response;
}  // namespace httplib

namespace sluice::tests {

class TestFileServer {
public:
    TestFileServer();
    ~TestFileServer();

    std::string url(const std::string& path) const;
    // From then on Digest is asked for.
    void require(http::Credentials who);
    void serve(const std::string& path, std::string body);
    void answer_puts_with(int status);
    // Nobody listens any more.
    void go_away();

    struct Upload {
        std::string path, body;
    };
    std::vector<Upload> uploads() const;        // those that were let in
    std::vector<std::string> requests() const;  // "PUT /x 201", in order

private:
    void on_request(const httplib::Request& request, httplib::Response& response);
    bool is_let_in(const httplib::Request& request, httplib::Response& response);

    std::unique_ptr<httplib::Server> server_;
    std::thread thread_;
    int port_ = 0;
    mutable std::mutex mutex_;  // of what follows
    http::DigestGate gate_;
    http::Credentials who_;
    std::map<std::string, std::string> files_;
    int put_status_ = 201;
    std::vector<Upload> uploads_;
    std::vector<std::string> requests_;
};

// Takes connections, reads a little, says `words`, and cuts the connection.
class DyingServer {
public:
    explicit DyingServer(std::string words);
    ~DyingServer();
    std::string url(const std::string& path) const;
    int deaths() const { return deaths_; }

private:
    void run();

    const std::string words_;
    int listener_ = -1;
    int port_ = 0;
    std::atomic<bool> is_stopping_{false};
    std::atomic<int> deaths_{0};
    std::thread thread_;
};

}  // namespace sluice::tests
