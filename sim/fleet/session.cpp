#include "sim/fleet/session.hpp"

#include <chrono>

#include "engine/base/overloaded.hpp"
#include "engine/cwmp/codec.hpp"

namespace sluice::sim::fleet {
namespace {

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

}  // namespace

Session::Session(boost::asio::io_context& io, net::ClientTls& tls, SessionListener& listener,
                 DeviceNumber device, SessionTerms terms)
    : listener_(listener),
      device_(device),
      machine_(policy_of(terms)),
      auth_(std::move(terms.who), net::BasicPolicy::over_tls),
      http_(io, tls, auth_, options_of(terms)),
      conversation_(terms.acs, !terms.acs.is_tls),
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
                   [this](cwmp::Post& a) { send(conversation_.post(cwmp::encode(a.envelope))); },
                   [this](cwmp::PostEmpty&) { send(conversation_.post({})); },
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

void Session::send(net::ClientRequest request) {
    http_.send(std::move(request), [this](const auto& answer) { on_answer(answer); });
}

void Session::on_answer(const Result<net::ClientAnswer, net::ClientError>& answer) {
    if (!answer) {
        const auto& error = answer.error();
        trouble_ = {kind_of(error.fault), error.why, error.fault != net::ClientFault::bad_answer};
        return feed(cwmp::AnswerFailed{});
    }
    const auto& got = answer.value();
    if (auto again = conversation_.follow(got)) return send(std::move(*again));
    if (got.status != 200 && got.status != 204) {
        trouble_ = {"HTTP " + std::to_string(got.status), conversation_.url().text(), false};
        return feed(cwmp::AnswerFailed{got.status, net::retry_after(got)});
    }
    auto envelopes = cwmp::decode_all(got.body);
    if (!envelopes) return feed(cwmp::AnswerWasNonsense{envelopes.error()});
    feed(cwmp::AnswerCame{std::move(envelopes).value()});
}

}  // namespace sluice::sim::fleet
