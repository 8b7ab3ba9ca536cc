#include "agent/management/config_fetch.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace sluice::agent::management {
namespace {

constexpr unsigned kMaxRedirects = 3;

bool is_redirect(unsigned status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

std::string config_name(const Order& order) {
    if (!order.target_file_name.empty()) return order.target_file_name;
    const auto path = order.url.substr(0, order.url.find('?'));
    return path.substr(path.rfind('/') + 1);
}

void ConfigFetch::start(const Order& order, Then then) {
    ++run_;
    then_ = std::move(then);
    wanted_bytes_ = order.file_size;
    redirects_ = 0;
    speak_as({order.username, order.password});
    auto url = net::parse_url(order.url);
    if (url) return send(std::move(url).value());
    boost::asio::post(io_, [this, why = url.error().message] {
        tell(TransferFault{cwmp::FaultCode::invalid_arguments, why});
    });
}

void ConfigFetch::speak_as(http::Credentials who) {
    client_.reset();  // it uses the former ones
    auth_ = std::make_unique<net::ClientAuth>(std::move(who), net::BasicPolicy::over_tls);
    net::HttpClientOptions options;  // 1 MiB
    options.local_address = settings_.local_address;
    client_ = std::make_unique<net::HttpClient>(io_, tls_, *auth_, std::move(options));
}

void ConfigFetch::cancel() {
    then_ = nullptr;
    client_.reset();
}

void ConfigFetch::send(net::Url url) {
    asked_ = url;
    net::ClientRequest request;
    request.url = std::move(url);
    client_->send(std::move(request), [this](const auto& answer) { on_answer(answer); });
}

void ConfigFetch::on_answer(const Result<net::ClientAnswer, net::ClientError>& answer) {
    if (!answer) return tell(fault_of(answer.error()));
    const auto& got = answer.value();
    if (is_redirect(got.status) && redirects_++ < kMaxRedirects)
        if (auto next = net::resolve(asked_, got.field("location"))) {
            // Credentials are for the server that they were given for.
            if (!next.value().is_same_endpoint(asked_)) speak_as({});
            return send(std::move(next).value());
        }
    if (got.status != 200) return tell(fault_of_status(got.status, asked_.text()));
    if (wanted_bytes_ != 0 && got.body.size() != wanted_bytes_)
        return tell(TransferFault{cwmp::FaultCode::incomplete_download,
                                  asked_.text() + ": " + std::to_string(got.body.size()) +
                                      " bytes, ordered were " + std::to_string(wanted_bytes_)});
    store(got.body);
}

void ConfigFetch::store(std::string body) {
    worker_.post([this, run = run_, body = std::move(body)] {
        auto written = disk::write_small_file(disk_, settings_.state, "config", as_bytes(body));
        std::string why = written ? std::string() : written.error().message;
        boost::asio::post(io_, [this, run, why = std::move(why)] {
            if (run != run_) return;
            if (why.empty()) return tell(success());
            tell(TransferFault{cwmp::FaultCode::download_failure, why});
        });
    });
}

void ConfigFetch::tell(Result<void, TransferFault> result) {
    const auto then = std::exchange(then_, nullptr);
    if (then) then(std::move(result));
}

}  // namespace sluice::agent::management
