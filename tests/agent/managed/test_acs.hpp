#pragma once
// A scripted ACS on loopback: takes Informs and TransferCompletes as they come, asks what a test
// has queued, serves Assignments and files. Speaks the wire with the project's codec and nothing
// else of it. Single device.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/cwmp/messages.hpp"

namespace httplib {
class Server;
struct Request;
struct Response;
}  // namespace httplib

namespace sluice::tests {

struct TlsFiles {
    std::string certificate, key;  // paths; empty: plain HTTP
};

class TestAcs {
public:
    explicit TestAcs(TlsFiles tls = {});
    ~TestAcs();
    TestAcs(const TestAcs&) = delete;
    TestAcs& operator=(const TestAcs&) = delete;

    std::string url(const std::string& path = "/", const std::string& host = "127.0.0.1") const;
    // Nobody listens until it is back, on the same port.
    void go_away();
    void come_back();

    // Asked in the order of these calls, in the next session that gets so far.
    void ask(cwmp::Message request);
    // What a GET of `path` finds. `type`: only for who accepts that; empty: for everybody else.
    void serve(const std::string& path, std::string body, const std::string& type = "");
    void forget(const std::string& path);
    // Answers POSTs of this path with a 307 to another.
    void redirect(const std::string& from, const std::string& to);
    // The next Inform is answered with this SOAP fault, as SOAP wants it: with status 500.
    void refuse_inform(std::uint32_t code);
    // Called with each message as it is taken, before it is answered.
    void watch(std::function<void(const cwmp::Message&)> on_message);

    std::vector<cwmp::Inform> informs() const;
    std::vector<cwmp::TransferComplete> transfers() const;
    std::vector<cwmp::Message> answers() const;  // to what was asked
    int sessions_ended() const;
    bool has_asked_everything() const;
    // Of the last Inform that carried it, without its root; empty: none.
    std::string parameter(const std::string& name) const;
    int stray_cookies() const;  // POSTs of a session that came without its cookie

private:
    void start(int port);
    void on_post(const httplib::Request& request, httplib::Response& response);
    void on_get(const httplib::Request& request, httplib::Response& response);

    const TlsFiles tls_;
    std::unique_ptr<httplib::Server> server_;
    std::thread thread_;
    int port_ = 0;
    mutable std::mutex mutex_;  // of what follows
    std::vector<cwmp::Message> queue_;
    std::map<std::pair<std::string, std::string>, std::string> files_;
    std::map<std::string, std::string> redirects_;
    std::function<void(const cwmp::Message&)> watcher_;
    std::uint32_t refusal_ = 0;
    std::vector<cwmp::Inform> informs_;
    std::vector<cwmp::TransferComplete> transfers_;
    std::vector<cwmp::Message> answers_;
    int sessions_ = 0, ended_ = 0, strays_ = 0;
};

}  // namespace sluice::tests
