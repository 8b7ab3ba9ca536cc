#include "sim/fleet/session.hpp"

#include <chrono>

#include "engine/base/overloaded.hpp"
#include "engine/cwmp/codec.hpp"
#include "engine/http/text.hpp"

namespace sluice::sim::fleet {
namespace {

constexpr unsigned kMaxRedirects = 5;

Instant now() {
    return {std::chrono::steady_clock::now().time_since_epoch()};
}

cwmp::CpeSessionPolicy policy_of(const SessionTerms& terms) {
    cwmp::CpeSessionPolicy out;
    out.ns = terms.ns;
    out.answer_timeout = terms.answer_timeout;
    return out;
}

net::HttpClientOptions options_of(const SessionTerms& terms) {
    net::HttpClientOptions out;
    out.local_address = terms.local_address;
    out.answer_timeout = terms.answer_timeout;
    return out;
}

std::string kind_of(net::ClientFault fault) {
    switch (fault) {
        case net::ClientFault::unreachable:
            return "unreachable";
        case net::ClientFault::tls:
            return "TLS";
        case net::ClientFault::timed_out:
            return "timed out";
        case net::ClientFault::disconnected:
            return "disconnected";
        case net::ClientFault::bad_answer:
            break;
    }
    return "bad answer";
}

bool is_redirect(unsigned status) {
    return status == 301 || status == 302 || status == 307 || status == 308;
}

Duration retry_after_of(const net::ClientAnswer& answer) {
    const auto seconds = http::parse_number<std::uint32_t>(http::trim(answer.field("retry-after")));
    return std::chrono::seconds(seconds.value_or(0));
}

}  // namespace

Session::Session(boost::asio::io_context& io, net::ClientTls& tls, SessionListener& listener,
                 DeviceNumber device, SessionTerms terms)
    : listener_(listener),
      device_(device),
      machine_(policy_of(terms)),
      auth_(std::move(terms.who), net::BasicPolicy::over_tls),
      http_(io, tls, auth_, options_of(terms)),
      url_(std::move(terms.acs)),
      begun_(now()) {}

void Session::begin(cwmp::Inform inform, std::vector<cwmp::TransferComplete> transfers) {
    feed(cwmp::Begin{std::move(inform), std::move(transfers)});
}

// Everything here is answered at once, so one event's actions end before the next one comes.
void Session::feed(const cwmp::CpeEvent& event) {
    cwmp::CpeActions out;
    machine_.on(event, now(), out);
    for (auto& action : out) act_on(action);
}

void Session::act_on(cwmp::CpeAction& action) {
    std::visit(Overloaded{
                   [this](cwmp::Post& a) { post(cwmp::encode(a.envelope)); },
                   [this](cwmp::PostEmpty&) { post({}); },
                   [this](cwmp::Execute& a) {
                       feed(cwmp::Executed{listener_.execute(device_, a.request)});
                   },
                   [this](cwmp::InformDelivered&) { listener_.inform_delivered(device_); },
                   [this](cwmp::TransferDelivered& a) {
                       listener_.transfer_delivered(device_, a.command_key);
                   },
                   [this](cwmp::SessionOver& a) {
                       if (trouble_.kind.empty()) trouble_ = {"CWMP", a.why, false};
                       listener_.session_over(device_, a, trouble_);
                   },
               },
               action);
}

void Session::post(std::string body) {
    body_ = std::move(body);
    send();
}

void Session::send() {
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
    http_.send(std::move(request), [this](const auto& answer) { on_answer(answer); });
}

void Session::on_answer(const Result<net::ClientAnswer, net::ClientError>& answer) {
    if (!answer) {
        const auto& error = answer.error();
        trouble_ = {kind_of(error.fault), error.why, error.fault != net::ClientFault::bad_answer};
        return feed(cwmp::AnswerFailed{});
    }
    const auto& got = answer.value();
    for (const auto& [name, value] : got.fields)
        if (name == "set-cookie") cookies_.take(value);
    if (is_redirect(got.status) && follow(got)) return send();
    if (got.status != 200 && got.status != 204) {
        trouble_ = {"HTTP " + std::to_string(got.status), url_.text(), false};
        return feed(cwmp::AnswerFailed{got.status, retry_after_of(got)});
    }
    auto envelopes = cwmp::decode_all(got.body);
    if (!envelopes) return feed(cwmp::AnswerWasNonsense{envelopes.error()});
    feed(cwmp::AnswerCame{std::move(envelopes).value()});
}

// From then on the session is with where it leads (TR-069 §3.4.1.2).
bool Session::follow(const net::ClientAnswer& answer) {
    if (redirects_++ >= kMaxRedirects) return false;
    auto next = net::resolve(url_, answer.field("location"));
    if (!next || (url_.is_tls && !next.value().is_tls)) return false;
    if (!next.value().is_same_endpoint(url_)) cookies_.clear();
    url_ = std::move(next).value();
    return true;
}

}  // namespace sluice::sim::fleet
