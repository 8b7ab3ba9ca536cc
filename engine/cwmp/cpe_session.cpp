#include "engine/cwmp/cpe_session.hpp"

#include <utility>

#include "engine/base/overloaded.hpp"
#include "engine/cwmp/exchange.hpp"

namespace sluice::cwmp {
namespace {

// What the Inform of a CPE says that speaks CWMP 1.4 (TR-069 §3.5): all that it can fall back to.
constexpr std::string_view kVersions = "1.0,1.1,1.2,1.3,1.4";

template <class T>
const Envelope* find(const std::vector<Envelope>& envelopes) {
    for (const auto& e : envelopes)
        if (e.message && std::holds_alternative<T>(*e.message)) return &e;
    return nullptr;
}

std::string text_of(const Fault& fault) {
    return std::to_string(fault.code) + (fault.text.empty() ? "" : " " + fault.text);
}

}  // namespace

void CpeSession::on(const CpeEvent& event, Instant now, CpeActions& out) {
    const bool is_due = now >= deadline_;
    const auto actions_before = out.size();
    const auto awaited = [&] { return std::exchange(awaits_answer_, false); };
    std::visit(Overloaded{
                   [&](const Begin& e) {
                       if (phase_ != Phase::fresh) return;
                       inform_ = e.inform;
                       transfers_ = e.transfers;
                       post_inform(out);
                   },
                   [&](const AnswerCame& e) {
                       if (awaited()) answered(e.envelopes, out);
                   },
                   [&](const AnswerWasNonsense& e) {
                       if (awaited()) answer_was_nonsense(e.error, out);
                   },
                   [&](const AnswerFailed& e) {
                       if (!awaited()) return;
                       fail(e.status == 0 ? "the ACS cannot be reached"
                                          : "the ACS answered " + std::to_string(e.status),
                            out, e.retry_after);
                   },
                   [&](const Executed& e) { executed(e.answer, out); },
                   [&](const AnswerTimedOut&) {
                       if (is_due && awaited()) fail("the ACS did not answer in time", out);
                   },
               },
               event);
    if (!awaits_answer_) {
        deadline_ = Instant::never();
    } else if (out.size() != actions_before) {
        deadline_ = now + policy_.answer_timeout;
    }
}

// --- what the ACS answered -----------------------------------------------------------------------

void CpeSession::answered(const std::vector<Envelope>& envelopes, CpeActions& out) {
    if (phase_ == Phase::informing) return answered_inform(envelopes, out);
    if (phase_ == Phase::reporting) return answered_transfer(envelopes, out);
    queue_requests(envelopes);
    if (requests_.empty() && find<Fault>(envelopes) != nullptr)
        return fail(
            "the ACS sent a fault: " + text_of(std::get<Fault>(*find<Fault>(envelopes)->message)),
            out);
    if (!requests_.empty()) return execute_next(out);
    answered_empty(out);
}

void CpeSession::answered_inform(const std::vector<Envelope>& envelopes, CpeActions& out) {
    if (find<InformResponse>(envelopes) == nullptr) {
        const auto* fault = find<Fault>(envelopes);
        if (fault == nullptr) return fail("the ACS did not answer the Inform with a response", out);
        return refused_inform(std::get<Fault>(*fault->message), out);
    }
    out.emplace_back(InformDelivered{});
    retries_ = 0;
    // "1.2" and later are spoken in the namespace of the Inform.
    const auto& version = find<InformResponse>(envelopes)->header.use_cwmp_version;
    if (version == "1.0") policy_.ns = Namespace::cwmp_1_0;
    if (version == "1.1") policy_.ns = Namespace::cwmp_1_1;
    queue_requests(envelopes);
    go_on(out);
}

void CpeSession::refused_inform(const Fault& fault, CpeActions& out) {
    if (is_retried(fault)) return post_inform(out);
    const bool is_version = fault.code == code_of(FaultCode::acs_version_mismatch);
    if (is_version && policy_.ns != Namespace::cwmp_1_0) {
        policy_.ns = static_cast<Namespace>(static_cast<int>(policy_.ns) - 1);
        return post_inform(out);
    }
    fail("the ACS refused the Inform: " + text_of(fault), out);
}

void CpeSession::answered_transfer(const std::vector<Envelope>& envelopes, CpeActions& out) {
    const auto* fault = find<Fault>(envelopes);
    if (find<TransferCompleteResponse>(envelopes) != nullptr) {
        out.emplace_back(TransferDelivered{transfers_[next_transfer_].command_key});
    } else if (fault != nullptr) {
        const auto& said = std::get<Fault>(*fault->message);
        if (is_retried(said)) return post_transfer(out);
        // It stays pending. The session goes on, so that the device can be managed all the same.
        if (refusal_.empty()) refusal_ = "the ACS refused a TransferComplete: " + text_of(said);
    } else {
        return fail("the ACS did not answer a TransferComplete with a response", out);
    }
    ++next_transfer_;
    retries_ = 0;
    queue_requests(envelopes);
    go_on(out);
}

// To the empty POST, or to a response of ours: the ACS has nothing more.
void CpeSession::answered_empty(CpeActions& out) {
    if (posted_empty_ || said_no_more_requests_) return finish(out);
    go_on(out);
}

void CpeSession::answer_was_nonsense(const DecodeError& error, CpeActions& out) {
    if (phase_ != Phase::serving)
        return fail("the ACS's answer is no sense: " + error.message, out);
    if (++requests_taken_ > policy_.max_requests) return fail("the ACS asks without end", out);
    request_id_.clear();
    post_answer(Fault{code_of(error.cpe_fault), error.message, {}}, out);
}

bool CpeSession::is_retried(const Fault& fault) {
    return fault.code == code_of(FaultCode::acs_retry_request) && ++retries_ <= policy_.max_retries;
}

void CpeSession::queue_requests(const std::vector<Envelope>& envelopes) {
    for (const auto& e : envelopes) {
        is_held_ = e.header.hold_requests;
        if (e.message && !is_answer(*e.message)) requests_.push_back(e);
    }
}

// --- what comes next -----------------------------------------------------------------------------

// The ACS's requests first, then what is to be reported, then the empty POST: the order in which
// they came, and after the empty POST nothing of our own.
void CpeSession::go_on(CpeActions& out) {
    if (!requests_.empty()) return execute_next(out);
    if (next_transfer_ < transfers_.size() && !is_held_ && !posted_empty_)
        return post_transfer(out);
    post_empty(out);
}

void CpeSession::execute_next(CpeActions& out) {
    const auto request = std::move(requests_.front());
    requests_.pop_front();
    if (++requests_taken_ > policy_.max_requests) return fail("the ACS asks without end", out);
    request_id_ = request.header.id;
    if (!is_request_to_cpe(*request.message)) {
        const auto name = method_name(*request.message);
        return post_answer(Fault{code_of(FaultCode::method_not_supported), "no method " + name, {}},
                           out);
    }
    is_executing_ = true;
    out.emplace_back(Execute{*request.message});
}

void CpeSession::executed(const Message& answer, CpeActions& out) {
    if (std::exchange(is_executing_, false)) post_answer(answer, out);
}

// --- what goes out -------------------------------------------------------------------------------

void CpeSession::post_inform(CpeActions& out) {
    phase_ = Phase::informing;
    said_no_more_requests_ = policy_.says_no_more_requests && transfers_.empty();
    Envelope envelope{policy_.ns, {}, inform_};
    envelope.header.id = std::to_string(++last_id_);
    envelope.header.no_more_requests = said_no_more_requests_;
    if (policy_.ns >= Namespace::cwmp_1_2)
        envelope.header.supported_cwmp_versions = std::string(kVersions);
    awaits_answer_ = true;
    out.emplace_back(Post{std::move(envelope)});
}

void CpeSession::post_transfer(CpeActions& out) {
    phase_ = Phase::reporting;
    said_no_more_requests_ =
        policy_.says_no_more_requests && next_transfer_ + 1 == transfers_.size();
    Envelope envelope{policy_.ns, {}, transfers_[next_transfer_]};
    envelope.header.id = std::to_string(++last_id_);
    envelope.header.no_more_requests = said_no_more_requests_;
    awaits_answer_ = true;
    out.emplace_back(Post{std::move(envelope)});
}

void CpeSession::post_answer(Message answer, CpeActions& out) {
    phase_ = Phase::serving;
    Envelope envelope{policy_.ns, {}, std::move(answer)};
    envelope.header.id = request_id_;
    awaits_answer_ = true;
    out.emplace_back(Post{std::move(envelope)});
}

void CpeSession::post_empty(CpeActions& out) {
    phase_ = Phase::serving;
    posted_empty_ = true;
    awaits_answer_ = true;
    out.emplace_back(PostEmpty{});
}

void CpeSession::fail(std::string why, CpeActions& out, Duration retry_after) {
    phase_ = Phase::over;
    awaits_answer_ = is_executing_ = false;
    out.emplace_back(SessionOver{false, retry_after, std::move(why)});
}

void CpeSession::finish(CpeActions& out) {
    if (!refusal_.empty()) return fail(refusal_, out);
    if (next_transfer_ < transfers_.size())
        return fail("the ACS held all requests; transfers remain to be reported", out);
    phase_ = Phase::over;
    out.emplace_back(SessionOver{true, {}, {}});
}

}  // namespace sluice::cwmp
