#pragma once
// The CPE's end of one CWMP session (TR-069 §3.7.1): Inform, its own requests, the empty POST, the
// ACS's requests, the end. HTTP with its challenges, redirects and cookies is the shell's, and so
// is what a request does to the device. Which events an Inform carries, and what stays pending, is
// cpe_events.hpp's; when the next session begins, cpe_schedule.hpp's.

#include <deque>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/time.hpp"
#include "engine/cwmp/codec.hpp"
#include "engine/cwmp/messages.hpp"

namespace sluice::cwmp {

struct CpeSessionPolicy {
    // What it tries first; the ACS's fault 8006 leads to the one before. From cwmp-1-2 on it also
    // says SupportedCWMPVersions.
    Namespace ns = Namespace::cwmp_1_2;
    // cwmp-1-0 stacks announce that they have nothing more to ask (R1.1).
    bool says_no_more_requests = false;
    Duration answer_timeout = std::chrono::seconds(60);  // from a POST of ours to its answer
    std::uint32_t max_requests = 256;                    // of the ACS, in one session
    std::uint32_t max_retries = 3;                       // 8005 to one request of ours
};

// --- events -------------------------------------------------------------------------------------

// Begin: the Inform, and what is to be delivered in this session, oldest first.
struct Begin {
    Inform inform;
    std::vector<TransferComplete> transfers;
};
// 200 or 204. An answer may carry several envelopes (MaxEnvelopes).
struct AnswerCame {
    std::vector<Envelope> envelopes;  // none: an empty answer
};
struct AnswerWasNonsense {
    DecodeError error;
};
struct AnswerFailed {        // no answer, or an HTTP status that is no answer
    unsigned status = 0;     // 0: the connection
    Duration retry_after{};  // of a 503
};
// To Execute, one for one: the response, or a Fault.
struct Executed {
    Message answer;
};
struct AnswerTimedOut {};

using CpeEvent =
    std::variant<Begin, AnswerCame, AnswerWasNonsense, AnswerFailed, Executed, AnswerTimedOut>;

// --- actions ------------------------------------------------------------------------------------

struct Post {
    Envelope envelope;
};
struct PostEmpty {};
struct Execute {
    Message request;
};
// The Inform was accepted: its events are delivered, all but 7 and M (TR-069 §3.7.1.5).
struct InformDelivered {};
// The ACS acknowledged this transfer: its events are delivered, it is never sent again. To be made
// durable before the next POST leaves.
struct TransferDelivered {
    std::string command_key;
};
// The last action. `is_success` false: to be tried again by cpe_schedule's retry wait. A transfer
// that was not acknowledged, because the ACS refused it or held all requests, makes it false too.
struct SessionOver {
    bool is_success = false;
    Duration retry_after{};  // the ACS's own word, where it gave one
    std::string why;
};

using CpeAction =
    std::variant<Post, PostEmpty, Execute, InformDelivered, TransferDelivered, SessionOver>;
using CpeActions = std::vector<CpeAction>;

class CpeSession {
public:
    explicit CpeSession(const CpeSessionPolicy& policy = {}) : policy_(policy) {}

    void on(const CpeEvent& event, Instant now, CpeActions& out);
    Instant next_deadline() const { return deadline_; }
    bool is_over() const { return phase_ == Phase::over; }
    // What both ends speak: after a success, the one for the next session's policy.
    Namespace ns() const { return policy_.ns; }

private:
    // What the answer that is awaited answers: our Inform, a TransferComplete, or our word that the
    // ACS may ask (the empty POST, or a response of ours).
    enum class Phase : std::uint8_t { fresh, informing, reporting, serving, over };

    void answered(const std::vector<Envelope>& envelopes, CpeActions& out);
    void answered_inform(const std::vector<Envelope>& envelopes, CpeActions& out);
    void answered_transfer(const std::vector<Envelope>& envelopes, CpeActions& out);
    void answered_empty(CpeActions& out);
    void answer_was_nonsense(const DecodeError& error, CpeActions& out);
    bool is_retried(const Fault& fault);
    void refused_inform(const Fault& fault, CpeActions& out);
    void queue_requests(const std::vector<Envelope>& envelopes);
    void go_on(CpeActions& out);
    void execute_next(CpeActions& out);
    void executed(const Message& answer, CpeActions& out);
    void post_inform(CpeActions& out);
    void post_transfer(CpeActions& out);
    void post_answer(Message answer, CpeActions& out);
    void post_empty(CpeActions& out);
    void fail(std::string why, CpeActions& out, Duration retry_after = {});
    void finish(CpeActions& out);

    CpeSessionPolicy policy_;
    Phase phase_ = Phase::fresh;
    Instant deadline_ = Instant::never();
    bool awaits_answer_ = false;

    Inform inform_;
    std::vector<TransferComplete> transfers_;  // from `next_transfer_` on: not yet reported
    std::size_t next_transfer_ = 0;
    std::string refusal_;  // of the first transfer that the ACS did not take; empty: none

    std::deque<Envelope> requests_;  // of the ACS, not yet executed
    std::string request_id_;         // of the one being executed
    bool is_executing_ = false;

    bool is_held_ = false;
    bool said_no_more_requests_ = false;
    bool posted_empty_ = false;
    std::uint32_t last_id_ = 0;
    std::uint32_t retries_ = 0;
    std::uint32_t requests_taken_ = 0;
};

}  // namespace sluice::cwmp
