#include "engine/cwmp/acs_session.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/overloaded.hpp"
#include "engine/cwmp/exchange.hpp"

namespace sluice::cwmp {
namespace {

// Our request IDs begin with it, so that an answer that comes a second time is known for one.
constexpr std::string_view kIdPrefix = "sluice-";

constexpr std::uint32_t kLongestIdleFactor = 10;

bool is_called(const Inform& inform) {
    return std::ranges::any_of(inform.events,
                               [](const auto& e) { return is_event(e.event_code, "6"); });
}

// The highest CWMP version of those offered ("1.0, 1.2, 1.4") that is spoken in this namespace.
std::string version_to_use(std::string_view offered, Namespace ns) {
    constexpr std::pair<std::string_view, Namespace> kOurs[] = {
        {"1.4", Namespace::cwmp_1_2}, {"1.3", Namespace::cwmp_1_2}, {"1.2", Namespace::cwmp_1_2},
        {"1.1", Namespace::cwmp_1_1}, {"1.0", Namespace::cwmp_1_0},
    };
    const auto is_offered = [&](std::string_view version) {
        auto rest = offered;
        while (!rest.empty()) {
            const auto comma = std::min(rest.find(','), rest.size());
            auto one = rest.substr(0, comma);
            one.remove_prefix(std::min(one.find_first_not_of(" \t"), one.size()));
            one = one.substr(0, one.find_last_not_of(" \t") + 1);
            if (one == version) return true;
            rest.remove_prefix(std::min(comma + 1, rest.size()));
        }
        return false;
    };
    for (const auto& [version, of] : kOurs)
        if (std::min(ns, Namespace::cwmp_1_2) == of && is_offered(version))
            return std::string(version);
    return {};
}

// What the ACS can be asked (TR-069 A.3.1.1).
GetRpcMethodsResponse our_methods() {
    return {{"Inform", "GetRPCMethods", "TransferComplete", "AutonomousTransferComplete",
             "RequestDownload"}};
}

}  // namespace

void AcsSession::on(const AcsEvent& event, Instant now, AcsActions& out) {
    const auto is_due = now >= deadline_;
    const auto was_answered = !is_waiting();
    std::visit(Overloaded{
                   [&](const Posted& e) { posted(e.envelope, out); },
                   [&](const PostedEmpty&) { posted_empty(out); },
                   [&](const PostedNonsense& e) { posted_nonsense(e.error, out); },
                   [&](const InformTaken& e) { inform_taken(e, out); },
                   [&](const InformRefused& e) { inform_refused(e, out); },
                   [&](const TransferRecorded&) { transfer_judged(true, out); },
                   [&](const TransferNotRecorded&) { transfer_judged(false, out); },
                   [&](const OrderGiven& e) { order_given(e.request, out); },
                   [&](const DeadlinePassed&) {
                       if (is_due) deadline_passed(out);
                   },
                   // The CPE may come back on another connection while the session lives.
                   [&](const ConnectionLost&) {
                       is_lost_ = true;
                       if (was_answered && was_last_answer_empty_) end(SessionEnd::finished, out);
                   },
               },
               event);
    if (is_over() || is_waiting()) {
        deadline_ = Instant::never();
    } else if (!std::holds_alternative<ConnectionLost>(event) &&
               !std::holds_alternative<DeadlinePassed>(event)) {
        deadline_ = now + (idle_ == Duration{} ? policy_.idle_timeout : idle_);
    }
}

// --- what was posted -----------------------------------------------------------------------------

// False: answered already.
bool AcsSession::let_in(AcsActions& out) {
    is_lost_ = false;
    reply_id_.clear();
    if (is_over() || ++posts_ <= policy_.max_posts) return true;
    send_empty(out);
    end(SessionEnd::too_long, out);
    return false;
}

void AcsSession::posted(const Envelope& envelope, AcsActions& out) {
    if (!envelope.message) return posted_empty(out);
    if (!let_in(out)) return;
    const auto& message = *envelope.message;
    if (is_over()) {
        out.emplace_back(SendBadRequest{"the session is over"});
        return;
    }
    reply_id_ = envelope.header.id;
    if (const auto* inform = std::get_if<Inform>(&message))
        return take_inform(envelope, *inform, out);
    if (phase_ == Phase::fresh) {
        out.emplace_back(SendBadRequest{method_name(message) + " before any Inform"});
        return end(SessionEnd::nonsense, out);
    }
    if (envelope.header.no_more_requests) cpe_has_no_more_requests_ = true;
    if (is_answer(message)) return take_answer(envelope, out);
    take_request(message, out);
}

void AcsSession::posted_empty(AcsActions& out) {
    if (!let_in(out)) return;
    if (is_over() || phase_ == Phase::fresh) {
        // Also a CPE that says goodbye once more, after the end.
        send_empty(out);
        return end(SessionEnd::finished, out);
    }
    cpe_has_no_more_requests_ = true;
    if (pending_ && !is_pending_beside_inform_response_) {
        // It will not answer; asked again in this session it might do twice what it does silently.
        send_empty(out);
        return end(SessionEnd::nonsense, out);
    }
    pending_.reset();  // it looked at the InformResponse alone
    ask(false, out);
}

void AcsSession::posted_nonsense(const DecodeError& error, AcsActions& out) {
    if (!let_in(out)) return;
    if (is_over()) {
        out.emplace_back(SendBadRequest{error.message});
        return;
    }
    send_fault(error.acs_fault, error.message, out);
}

void AcsSession::take_inform(const Envelope& envelope, const Inform& inform, AcsActions& out) {
    phase_ = Phase::open;
    ns_ = envelope.ns;
    inform_id_ = envelope.header.id;
    cwmp_version_ = version_to_use(envelope.header.supported_cwmp_versions, envelope.ns);
    max_envelopes_ = inform.max_envelopes;
    const auto& events = inform.events;
    has_own_requests_ =
        std::ranges::any_of(events, [](const auto& e) { return announces_request(e.event_code); });
    is_held_ = policy_.holds_requests_when_called && is_called(inform) && !has_own_requests_;
    command_keys_.clear();
    for (const auto& e : events)
        if (is_event(e.event_code, "M") && !e.command_key.empty() && e.event_code != "M Reboot")
            command_keys_.push_back(e.command_key);
    const Duration asked = std::chrono::seconds(envelope.header.session_timeout.value_or(0));
    idle_ = std::clamp(asked, policy_.idle_timeout, kLongestIdleFactor * policy_.idle_timeout);
    pending_.reset();
    cpe_has_no_more_requests_ = envelope.header.no_more_requests;
    waiting_ = Waiting::inform;
    out.emplace_back(TakeInform{inform, envelope.ns});
}

void AcsSession::take_request(const Message& request, AcsActions& out) {
    if (const auto* transfer = std::get_if<TransferComplete>(&request)) {
        is_autonomous_ = false;
        waiting_ = Waiting::transfer;
        auto recorded = *transfer;
        if (recorded.command_key.empty() && command_keys_.size() == 1)
            recorded.command_key = command_keys_.front();
        out.emplace_back(RecordTransfer{std::move(recorded), false});
    } else if (const auto* own = std::get_if<AutonomousTransferComplete>(&request)) {
        is_autonomous_ = true;
        waiting_ = Waiting::transfer;
        out.emplace_back(RecordTransfer{
            TransferComplete{{}, own->fault, own->start_time, own->complete_time}, true});
    } else if (std::holds_alternative<RequestDownload>(request)) {
        send({reply(RequestDownloadResponse{})}, out);  // what it gets, WantOrder decides
    } else if (std::holds_alternative<GetRpcMethods>(request)) {
        send({reply(our_methods())}, out);
    } else {
        send_fault(FaultCode::acs_method_not_supported,
                   "this ACS has no method " + method_name(request), out);
    }
}

void AcsSession::take_answer(const Envelope& envelope, AcsActions& out) {
    const auto& id = envelope.header.id;
    const bool is_old = id.starts_with(kIdPrefix) && pending_ && id != request_envelope().header.id;
    if (pending_ && !is_old && is_answer_to(*pending_, *envelope.message)) {
        out.emplace_back(TakeAnswer{std::move(*pending_), *envelope.message});
        pending_.reset();
        return ask(false, out);
    }
    if (!pending_) {
        return send_fault(FaultCode::acs_invalid_arguments,
                          method_name(*envelope.message) + " answers nothing that was asked", out);
    }
    if (++faults_ <= policy_.max_faults) return send({request_envelope()}, out);
    send_empty(out);
    end(SessionEnd::nonsense, out);
}

// --- the shell's word ----------------------------------------------------------------------------

void AcsSession::inform_taken(const InformTaken& event, AcsActions& out) {
    if (std::exchange(waiting_, Waiting::none) != Waiting::inform) return;
    const bool is_second_possible = event.may_send_second_envelope && max_envelopes_ > 1 &&
                                    ns_ == Namespace::cwmp_1_0 && !has_own_requests_;
    if (is_second_possible) return ask(true, out);
    send({inform_response()}, out);
}

void AcsSession::inform_refused(const InformRefused& event, AcsActions& out) {
    if (std::exchange(waiting_, Waiting::none) != Waiting::inform) return;
    phase_ = Phase::fresh;
    send_fault(event.fault, event.why, out);
    if (event.fault != FaultCode::acs_retry_request) end(SessionEnd::nonsense, out);
}

void AcsSession::transfer_judged(bool is_recorded, AcsActions& out) {
    if (std::exchange(waiting_, Waiting::none) != Waiting::transfer) return;
    if (!is_recorded) {
        send({reply(Fault{code_of(FaultCode::acs_internal_error), "not recorded; try again", {}})},
             out);
    } else if (is_autonomous_) {
        send({reply(AutonomousTransferCompleteResponse{})}, out);
    } else {
        send({reply(TransferCompleteResponse{})}, out);
    }
}

void AcsSession::order_given(const std::optional<Message>& request, AcsActions& out) {
    if (std::exchange(waiting_, Waiting::none) != Waiting::order) return;
    std::vector<Envelope> envelopes;
    if (is_order_with_inform_response_) envelopes.push_back(inform_response());
    if (request) {
        pending_ = request;
        is_pending_beside_inform_response_ = is_order_with_inform_response_;
        ++last_request_;
        envelopes.push_back(request_envelope());
    }
    if (!envelopes.empty()) return send(std::move(envelopes), out);
    send_empty(out);
    if (cpe_has_no_more_requests_) end(SessionEnd::finished, out);
}

void AcsSession::deadline_passed(AcsActions& out) {
    if (was_last_answer_empty_) return end(SessionEnd::finished, out);
    end(is_lost_ ? SessionEnd::lost : SessionEnd::timed_out, out);
}

// --- what goes out -------------------------------------------------------------------------------

void AcsSession::ask(bool is_with_inform_response, AcsActions& out) {
    waiting_ = Waiting::order;
    is_order_with_inform_response_ = is_with_inform_response;
    out.emplace_back(WantOrder{is_with_inform_response});
}

Envelope AcsSession::inform_response() const {
    auto out = reply(InformResponse{1});
    out.header.id = inform_id_;
    out.header.hold_requests = is_held_;
    out.header.use_cwmp_version = cwmp_version_;
    return out;
}

Envelope AcsSession::reply(Message message) const {
    Envelope out{ns_, {}, std::move(message)};
    out.header.id = reply_id_;
    return out;
}

// What is pending; sent again it keeps its ID.
Envelope AcsSession::request_envelope() const {
    Envelope out{ns_, {}, pending_};
    out.header.id = std::string(kIdPrefix) + std::to_string(last_request_);
    out.header.hold_requests = is_held_;
    return out;
}

void AcsSession::send(std::vector<Envelope> envelopes, AcsActions& out) {
    was_last_answer_empty_ = false;
    out.emplace_back(SendEnvelopes{std::move(envelopes)});
}

// Counts towards max_faults; one too many is the session's last word.
void AcsSession::send_fault(FaultCode code, std::string text, AcsActions& out) {
    send({reply(Fault{code_of(code), std::move(text), {}})}, out);
    if (++faults_ > policy_.max_faults) end(SessionEnd::nonsense, out);
}

void AcsSession::send_empty(AcsActions& out) {
    was_last_answer_empty_ = true;
    const bool is_old = phase_ != Phase::fresh && ns_ == Namespace::cwmp_1_0;
    out.emplace_back(SendEmpty{is_old ? 200u : 204u});
}

void AcsSession::end(SessionEnd why, AcsActions& out) {
    if (is_over()) return;
    phase_ = Phase::over;
    pending_.reset();
    out.emplace_back(EndSession{why});
}

}  // namespace sluice::cwmp
