#include "agent/management/cwmp_client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "agent/clock.hpp"
#include "agent/management/device_clock.hpp"
#include "engine/base/overloaded.hpp"
#include "engine/cwmp/codec.hpp"

namespace sluice::agent::management {

void CwmpClient::begin(const std::string& acs_url, const http::Credentials& credentials,
                       cwmp::Inform inform, std::vector<cwmp::TransferComplete> transfers) {
    cwmp::CpeSessionPolicy policy;
    policy.ns = ns_;
    session_ = std::make_unique<cwmp::CpeSession>(policy);
    auth_ = std::make_unique<net::ClientAuth>(credentials, net::BasicPolicy::over_tls);
    net::HttpClientOptions options;
    options.local_address = local_address_;
    http_ = std::make_unique<net::HttpClient>(io_, tls_, *auth_, std::move(options));
    trouble_.clear();
    auto url = net::parse_url(acs_url);
    if (!url) {
        boost::asio::post(io_, [this, why = url.error().message] { end({false, {}, why}); });
        return;
    }
    conversation_.emplace(std::move(url).value(), may_speak_plain_);
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
    send(conversation_->post(std::move(body)));
}

void CwmpClient::send(net::ClientRequest request) {
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
    if (const auto date = parse_http_date(got.field("date")); date.seconds > 0)
        listener_.acs_said_time(date);
    if (auto again = conversation_->follow(got)) return send(std::move(*again));
    if (got.status == 200 || got.status == 204) return on_body(got);
    // A SOAP fault comes with 500 (SOAP 1.1 §6.2), and says what to do; another 500 says nothing.
    if (got.status == 500 && cwmp::decode_all(got.body)) return on_body(got);
    trouble_ = conversation_->url().text();
    feed(cwmp::AnswerFailed{got.status, net::retry_after(got)});
}

void CwmpClient::on_body(const net::ClientAnswer& answer) {
    auto envelopes = cwmp::decode_all(answer.body);
    if (!envelopes) return feed(cwmp::AnswerWasNonsense{envelopes.error()});
    feed(cwmp::AnswerCame{std::move(envelopes).value()});
}

}  // namespace sluice::agent::management
