#include "agent/management/file_transfer.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "agent/configuration/configuration.hpp"

namespace sluice::agent::management {
namespace {

constexpr unsigned kMaxRedirects = 3;

// The largest there is, over the slowest line that such a device is behind.
constexpr std::chrono::seconds kPatience{60 + configuration::kMaxBytes / (16 * 1024)};

bool is_redirect(unsigned status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

void FileTransfer::get(const Order& order, Then then) {
    start(order, "GET", {}, std::move(then));
}

void FileTransfer::put(const Order& order, std::string body, Then then) {
    start(order, "PUT", std::move(body), std::move(then));
}

void FileTransfer::start(const Order& order, std::string method, std::string body, Then then) {
    then_ = std::move(then);
    method_ = std::move(method);
    body_ = std::move(body);
    wanted_bytes_ = method_ == "GET" ? order.file_size : 0;
    redirects_ = 0;
    speak_as({order.username, order.password});
    auto url = net::parse_url(order.url);
    if (!url) {
        boost::asio::post(io_, [this, why = url.error().message] {
            tell(TransferFault{cwmp::FaultCode::invalid_arguments, why});
        });
        return;
    }
    asked_ = std::move(url).value();
    if (method_ == "PUT" && !order.username.empty()) return ask_for_challenge();
    send(asked_);
}

void FileTransfer::speak_as(http::Credentials who) {
    client_.reset();  // it uses the former ones
    auth_ = std::make_unique<net::ClientAuth>(std::move(who), net::BasicPolicy::over_tls);
    net::HttpClientOptions options;
    options.body_bytes = configuration::kMaxBytes;
    options.answer_timeout = kPatience;
    options.local_address = local_address_;
    client_ = std::make_unique<net::HttpClient>(io_, tls_, *auth_, std::move(options));
}

void FileTransfer::cancel() {
    then_ = nullptr;
    client_.reset();
}

// Whatever it says to HEAD: what counts is what it says to PUT.
void FileTransfer::ask_for_challenge() {
    net::ClientRequest request;
    request.method = "HEAD";
    request.url = asked_;
    client_->send(std::move(request), [this](const auto&) { send(asked_); });
}

void FileTransfer::send(net::Url url) {
    asked_ = url;
    net::ClientRequest request;
    request.method = method_;
    request.url = std::move(url);
    request.body = body_;
    if (method_ == "PUT") request.fields.emplace_back("Content-Type", "application/octet-stream");
    client_->send(std::move(request), [this](const auto& answer) { on_answer(answer); });
}

void FileTransfer::on_answer(const Result<net::ClientAnswer, net::ClientError>& answer) {
    if (!answer) return tell(fault_of(answer.error()));
    const auto& got = answer.value();
    const bool is_followed = is_redirect(got.status) && (method_ == "GET" || got.status != 303);
    if (is_followed && redirects_++ < kMaxRedirects)
        if (auto next = net::resolve(asked_, got.field("location"))) {
            // What TLS promised is not given up because a server says so.
            if (asked_.is_tls && !next.value().is_tls && !may_leave_tls_)
                return tell(TransferFault{cwmp::FaultCode::unsupported_protocol,
                                          asked_.text() + ": leads to plain HTTP"});
            // Credentials are for the server that they were given for.
            if (!next.value().is_same_endpoint(asked_)) speak_as({});
            return send(std::move(next).value());
        }
    const bool is_good = method_ == "GET" ? got.status == 200 : got.status / 100 == 2;
    if (!is_good) return tell(fault_of_status(got.status, asked_.text()));
    if (wanted_bytes_ != 0 && got.body.size() != wanted_bytes_)
        return tell(TransferFault{cwmp::FaultCode::incomplete_download,
                                  asked_.text() + ": " + std::to_string(got.body.size()) +
                                      " bytes, ordered were " + std::to_string(wanted_bytes_)});
    tell(got.body);
}

void FileTransfer::tell(Result<std::string, TransferFault> result) {
    body_.clear();
    const auto then = std::exchange(then_, nullptr);
    if (then) then(result);
}

}  // namespace sluice::agent::management
