#include "agent/management/cwmp_client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "agent/clock.hpp"
#include "agent/management/device_clock.hpp"
#include "engine/base/overloaded.hpp"
#include "engine/cwmp/codec.hpp"
#include "engine/http/text.hpp"

namespace sluice::agent::management {
namespace {

constexpr unsigned kMaxRedirects = 5;

bool is_redirect(unsigned status) {
    return status == 302 || status == 307 || status == 301 || status == 308;
}

Duration retry_after_of(const net::ClientAnswer& answer) {
    const auto seconds = http::parse_number<std::uint32_t>(http::trim(answer.field("retry-after")));
    return std::chrono::seconds(seconds.value_or(0));
}

}  // namespace

void CwmpClient::begin(const std::string& acs_url, const http::Credentials& credentials,
                       cwmp::Inform inform, std::vector<cwmp::TransferComplete> transfers) {
    cwmp::CpeSessionPolicy policy;
    policy.ns = ns_;
    session_ = std::make_unique<cwmp::CpeSession>(policy);
    auth_ = std::make_unique<net::ClientAuth>(credentials, net::BasicPolicy::over_tls);
    net::HttpClientOptions options;
    options.local_address = local_address_;
    http_ = std::make_unique<net::HttpClient>(io_, tls_, *auth_, std::move(options));
    cookies_.clear();
    trouble_.clear();
    redirects_ = 0;
    auto url = net::parse_url(acs_url);
    if (!url) {
        boost::asio::post(io_, [this, why = url.error().message] { end({false, {}, why}); });
        return;
    }
    url_ = std::move(url).value();
    feed(cwmp::Begin{std::move(inform), std::move(transfers)});
}

// --- the session's actions, one after another ----------------------------------------------------

void CwmpClient::feed(const cwmp::CpeEvent& event) {
    cwmp::CpeActions out;
    session_->on(event, monotonic_now(), out);
    for (auto& action : out) actions_.push_back(std::move(action));
    is_waiting_ = false;
    act();
}

void CwmpClient::act() {
    while (session_ && !is_waiting_ && !actions_.empty()) {
        auto action = std::move(actions_.front());
        actions_.pop_front();
        act_on(std::move(action));
    }
}

void CwmpClient::act_on(cwmp::CpeAction action) {
    std::visit(Overloaded{
                   [this](cwmp::Post& a) { post(cwmp::encode(a.envelope)); },
                   [this](cwmp::PostEmpty&) { post({}); },
                   [this](cwmp::Execute& a) {
                       is_waiting_ = true;
                       listener_.execute(a.request, [this](cwmp::Message answer) {
                           if (session_) feed(cwmp::Executed{std::move(answer)});
                       });
                   },
                   [this](cwmp::InformDelivered&) {
                       is_waiting_ = true;
                       listener_.inform_delivered([this](bool may) { go_on(may); });
                   },
                   [this](cwmp::TransferDelivered& a) {
                       is_waiting_ = true;
                       listener_.transfer_delivered(a.command_key,
                                                    [this](bool may) { go_on(may); });
                   },
                   [this](cwmp::SessionOver& a) { end(a); },
               },
               action);
}

void CwmpClient::go_on(bool may_go_on) {
    if (!session_) return;
    is_waiting_ = false;
    if (!may_go_on) return end({false, {}, "what the ACS was told could not be made durable"});
    act();
}

void CwmpClient::end(const cwmp::SessionOver& how) {
    if (how.is_success) ns_ = session_->ns();
    auto told = how;
    if (!told.is_success && !trouble_.empty()) told.why += " (" + trouble_ + ")";
    actions_.clear();
    session_.reset();
    // Its own answer may be on the stack.
    boost::asio::post(io_, [gone = std::shared_ptr<net::HttpClient>(std::move(http_)),
                            auth = std::shared_ptr<net::ClientAuth>(std::move(auth_))] {});
    listener_.session_over(told);
}

// --- HTTP ----------------------------------------------------------------------------------------

void CwmpClient::post(std::string body) {
    is_waiting_ = true;
    body_ = std::move(body);
    send();
}

void CwmpClient::send() {
    net::ClientRequest request;
    request.method = "POST";
    request.url = url_;
    if (!body_.empty()) {
        request.fields.emplace_back("Content-Type", "text/xml; charset=utf-8");
        request.fields.emplace_back("SOAPAction", "\"\"");
    }
    if (auto cookies = cookies_.field(); !cookies.empty())
        request.fields.emplace_back("Cookie", std::move(cookies));
    request.body = body_;
    http_->send(std::move(request), [this](const auto& answer) {
        if (session_) on_answer(answer);
    });
}

void CwmpClient::on_answer(const Result<net::ClientAnswer, net::ClientError>& answer) {
    if (!answer) {
        trouble_ = answer.error().why;
        return feed(cwmp::AnswerFailed{});
    }
    const auto& got = answer.value();
    for (const auto& [name, value] : got.fields)
        if (name == "set-cookie") cookies_.take(value);
    if (const auto date = parse_http_date(got.field("date")); date.seconds > 0)
        listener_.acs_said_time(date);
    if (is_redirect(got.status) && follow(got)) return send();
    if (got.status == 200 || got.status == 204) return on_body(got);
    // A SOAP fault comes with 500 (SOAP 1.1 §6.2), and says what to do; another 500 says nothing.
    if (got.status == 500 && cwmp::decode_all(got.body)) return on_body(got);
    trouble_ = url_.text();
    feed(cwmp::AnswerFailed{got.status, retry_after_of(got)});
}

void CwmpClient::on_body(const net::ClientAnswer& answer) {
    auto envelopes = cwmp::decode_all(answer.body);
    if (!envelopes) return feed(cwmp::AnswerWasNonsense{envelopes.error()});
    feed(cwmp::AnswerCame{std::move(envelopes).value()});
}

// From then on the session is with where it leads (TR-069 §3.4.1.2).
bool CwmpClient::follow(const net::ClientAnswer& answer) {
    if (redirects_++ >= kMaxRedirects) return false;
    auto next = net::resolve(url_, answer.field("location"));
    if (!next) return false;
    // What TLS promised is not given up because a server says so.
    if (!next.value().is_tls && !may_speak_plain_) return false;
    if (!next.value().is_same_endpoint(url_)) cookies_.clear();
    url_ = std::move(next).value();
    return true;
}

}  // namespace sluice::agent::management
