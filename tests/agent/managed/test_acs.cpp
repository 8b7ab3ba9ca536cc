#include "tests/agent/managed/test_acs.hpp"

#include <httplib.h>

#include "engine/base/overloaded.hpp"
#include "engine/cwmp/codec.hpp"

namespace sluice::tests {

TestAcs::TestAcs(TlsFiles tls) : tls_(std::move(tls)) {
    start(0);
}

TestAcs::~TestAcs() {
    go_away();
}

void TestAcs::start(int port) {
    if (tls_.certificate.empty()) {
        server_ = std::make_unique<httplib::Server>();
    } else {
        server_ = std::make_unique<httplib::SSLServer>(tls_.certificate.c_str(), tls_.key.c_str());
    }
    server_->set_keep_alive_timeout(2);
    server_->set_tcp_nodelay(true);
    server_->Post(".*", [this](const auto& q, auto& r) { on_post(q, r); });
    server_->Get(".*", [this](const auto& q, auto& r) { on_get(q, r); });
    if (port == 0) {
        port_ = server_->bind_to_any_port("127.0.0.1");
    } else if (!server_->bind_to_port("127.0.0.1", port)) {
        return;
    }
    thread_ = std::thread([this] { server_->listen_after_bind(); });
    while (!server_->is_running()) std::this_thread::yield();
}

void TestAcs::go_away() {
    if (!server_) return;
    server_->stop();
    if (thread_.joinable()) thread_.join();
    server_.reset();
}

void TestAcs::come_back() {
    start(port_);
}

std::string TestAcs::url(const std::string& path, const std::string& host) const {
    return (tls_.certificate.empty() ? "http://" : "https://") + host + ":" +
           std::to_string(port_) + path;
}

void TestAcs::ask(cwmp::Message request) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(request));
}
void TestAcs::serve(const std::string& path, std::string body, const std::string& type) {
    const std::lock_guard lock(mutex_);
    files_[{path, type}] = std::move(body);
}
void TestAcs::forget(const std::string& path) {
    const std::lock_guard lock(mutex_);
    std::erase_if(files_, [&](const auto& file) { return file.first.first == path; });
}
void TestAcs::redirect(const std::string& from, const std::string& to) {
    const std::lock_guard lock(mutex_);
    redirects_[from] = to;
}
void TestAcs::watch(std::function<void(const cwmp::Message&)> on_message) {
    const std::lock_guard lock(mutex_);
    watcher_ = std::move(on_message);
}

void TestAcs::refuse_inform(std::uint32_t code) {
    const std::lock_guard lock(mutex_);
    refusal_ = code;
}

void TestAcs::on_get(const httplib::Request& request, httplib::Response& response) {
    const std::lock_guard lock(mutex_);
    const auto accept = request.get_header_value("Accept");
    auto at = files_.find({request.path, accept});
    if (at == files_.end()) at = files_.find({request.path, ""});
    if (at == files_.end()) {
        response.status = 404;
        return;
    }
    const auto& type = at->first.second;
    response.set_content(at->second, type.empty() ? "application/octet-stream" : type);
}

void TestAcs::on_post(const httplib::Request& request, httplib::Response& response) {
    const std::lock_guard lock(mutex_);
    if (const auto to = redirects_.find(request.path); to != redirects_.end()) {
        response.status = 307;
        response.set_header("Location", to->second);
        return;
    }
    cwmp::Envelope answer;
    const auto say = [&](cwmp::Message message, const std::string& id) {
        answer.ns = cwmp::Namespace::cwmp_1_2;
        answer.header.id = id;
        answer.message = std::move(message);
        response.set_content(cwmp::encode(answer), "text/xml; charset=utf-8");
    };
    std::optional<cwmp::Envelope> came;
    if (!request.body.empty()) {
        auto decoded = cwmp::decode(request.body);
        if (!decoded) {
            response.status = 400;
            return;
        }
        came = std::move(decoded).value();
    }
    const bool is_inform =
        came && came->message && std::holds_alternative<cwmp::Inform>(*came->message);
    if (is_inform) {
        response.set_header("Set-Cookie", "session=" + std::to_string(++sessions_) + "; Path=/");
    } else if (request.get_header_value("Cookie") != "session=" + std::to_string(sessions_)) {
        ++strays_;
    }
    if (came && came->message) {
        if (watcher_) watcher_(*came->message);
        if (is_inform) {
            informs_.push_back(std::get<cwmp::Inform>(*came->message));
            if (const auto code = std::exchange(refusal_, 0u); code != 0) {
                response.status = 500;
                return say(cwmp::Fault{code, "not now", {}}, came->header.id);
            }
            return say(cwmp::InformResponse{}, came->header.id);
        }
        if (const auto* done = std::get_if<cwmp::TransferComplete>(&*came->message)) {
            transfers_.push_back(*done);
            return say(cwmp::TransferCompleteResponse{}, came->header.id);
        }
        answers_.push_back(*came->message);
    }
    if (queue_.empty()) {
        ++ended_;
        response.status = 204;
        return;
    }
    auto next = std::move(queue_.front());
    queue_.erase(queue_.begin());
    say(std::move(next), "acs-" + std::to_string(answers_.size()));
}

// --- what came -----------------------------------------------------------------------------------

std::vector<cwmp::Inform> TestAcs::informs() const {
    const std::lock_guard lock(mutex_);
    return informs_;
}
std::vector<cwmp::TransferComplete> TestAcs::transfers() const {
    const std::lock_guard lock(mutex_);
    return transfers_;
}
std::vector<cwmp::Message> TestAcs::answers() const {
    const std::lock_guard lock(mutex_);
    return answers_;
}
int TestAcs::sessions_ended() const {
    const std::lock_guard lock(mutex_);
    return ended_;
}
bool TestAcs::has_asked_everything() const {
    const std::lock_guard lock(mutex_);
    return queue_.empty();
}
int TestAcs::stray_cookies() const {
    const std::lock_guard lock(mutex_);
    return strays_;
}

std::string TestAcs::parameter(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    for (auto inform = informs_.rbegin(); inform != informs_.rend(); ++inform)
        for (const auto& each : inform->parameters)
            if (each.name.substr(each.name.find('.') + 1) == name) return each.value;
    return {};
}

}  // namespace sluice::tests
