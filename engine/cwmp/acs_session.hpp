#pragma once
// The ACS's end of one CWMP session (TR-069 §3.7.2): what each POST means and what to answer. HTTP,
// authentication, cookies and bytes are the shell's; a session begins when its first POST has been
// let in. Every event gets its answer in the same call or after the shell answered an action; there
// is never more than one POST waiting.
//
// Tolerant (the list "Real CPEs" of the CWMP notes): a POST out of turn, an answer with a wrong ID,
// a second Inform in the same session, empty POSTs after the end: answered, never dropped. What
// makes no sense gets a fault, and the session lives on; too much of it, and the session ends.
//
// The shell's part of the bargain: a POST that comes while another one waits (is_waiting) never
// gets in here, and a session that is over gets a new one in its place when an Inform comes.
//
// Events and actions carry messages, which own strings: not the 32-byte values of the transfer
// machines. Single-threaded, as all engine code.

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/time.hpp"
#include "engine/cwmp/codec.hpp"
#include "engine/cwmp/messages.hpp"

namespace sluice::cwmp {

struct AcsSessionPolicy {
    // R1.2: InformResponse and requests say HoldRequests=1 to a CPE that was called, unless it has
    // a transfer to report: that would have to wait for another session.
    bool holds_requests_when_called = true;
    // From our answer to its next POST; a CPE's own SessionTimeout may lengthen it, ten times at
    // most.
    Duration idle_timeout = std::chrono::seconds(30);
    std::uint32_t max_posts = 256;  // in one session
    std::uint32_t max_faults = 8;   // nonsense taken before it ends
};

// --- events -------------------------------------------------------------------------------------

struct Posted {
    Envelope envelope;
};
struct PostedEmpty {};  // no body, or one of white space
struct PostedNonsense {
    DecodeError error;
};
// The shell's answers to the actions of the same name.
struct InformTaken {
    // Its model is listed as one that takes a second envelope beside the InformResponse (R1.1);
    // done only in cwmp-1-0, with MaxEnvelopes above 1, and when it has no transfer to report.
    bool may_send_second_envelope = false;
};
// 8005: it may send its Inform again in this session. Anything else ends the session.
struct InformRefused {
    FaultCode fault = FaultCode::acs_invalid_arguments;
    std::string why;
};
struct TransferRecorded {};
struct TransferNotRecorded {};  // the CPE gets 8002 and comes again: nothing is acknowledged
// To WantOrder. None: there is nothing more, the session may end.
struct OrderGiven {
    std::optional<Message> request;
};
struct DeadlinePassed {};
struct ConnectionLost {};

using AcsEvent =
    std::variant<Posted, PostedEmpty, PostedNonsense, InformTaken, InformRefused, TransferRecorded,
                 TransferNotRecorded, OrderGiven, DeadlinePassed, ConnectionLost>;

// --- actions ------------------------------------------------------------------------------------

struct TakeInform {
    Inform inform;
    Namespace ns = Namespace::cwmp_1_0;
};
// Make it durable, then TransferRecorded. A CommandKey that stands in the Inform's event alone is
// put into `transfer`. An autonomous one is no order's: it has no key.
struct RecordTransfer {
    TransferComplete transfer;
    bool is_autonomous = false;
};
// What to ask of the CPE next. `is_with_inform_response`: with the InformResponse still unsent
// (second envelope); otherwise the CPE has said that it has nothing more to ask.
struct WantOrder {
    bool is_with_inform_response = false;
};
// The CPE's answer to a request that OrderGiven gave: its response, or a Fault.
struct TakeAnswer {
    Message request;
    Message answer;
};
// Answers the POST that waits: 200 with these envelopes one after another (mostly one).
struct SendEnvelopes {
    std::vector<Envelope> envelopes;
};
struct SendEmpty {
    unsigned status = 204;  // 200 for cwmp-1-0 (DESIGN §7)
};
// 400: no session can be had from this.
struct SendBadRequest {
    std::string why;
};
enum class SessionEnd : std::uint8_t { finished, timed_out, lost, too_long, nonsense };
// The last action of a session; what waits was answered before. `finished`: both ends had said that
// there is nothing more. The connection may live on.
struct EndSession {
    SessionEnd why = SessionEnd::finished;
};

using AcsAction = std::variant<TakeInform, RecordTransfer, WantOrder, TakeAnswer, SendEnvelopes,
                               SendEmpty, SendBadRequest, EndSession>;
using AcsActions = std::vector<AcsAction>;

class AcsSession {
public:
    explicit AcsSession(const AcsSessionPolicy& policy) : policy_(policy) {}

    void on(const AcsEvent& event, Instant now, AcsActions& out);
    Instant next_deadline() const { return deadline_; }
    bool is_over() const { return phase_ == Phase::over; }
    // A POST is not answered yet.
    bool is_waiting() const { return waiting_ != Waiting::none; }

private:
    enum class Phase : std::uint8_t { fresh, open, over };
    enum class Waiting : std::uint8_t { none, inform, transfer, order };  // for the shell's word on

    bool let_in(AcsActions& out);
    void posted(const Envelope& envelope, AcsActions& out);
    void posted_empty(AcsActions& out);
    void posted_nonsense(const DecodeError& error, AcsActions& out);
    void take_inform(const Envelope& envelope, const Inform& inform, AcsActions& out);
    void take_request(const Message& request, AcsActions& out);
    void take_answer(const Envelope& envelope, AcsActions& out);
    void inform_taken(const InformTaken& event, AcsActions& out);
    void inform_refused(const InformRefused& event, AcsActions& out);
    void transfer_judged(bool is_recorded, AcsActions& out);
    void order_given(const std::optional<Message>& request, AcsActions& out);
    void ask(bool is_with_inform_response, AcsActions& out);
    Envelope inform_response() const;
    Envelope reply(Message message) const;
    Envelope request_envelope() const;
    void send(std::vector<Envelope> envelopes, AcsActions& out);
    void send_fault(FaultCode code, std::string text, AcsActions& out);
    void send_empty(AcsActions& out);
    void end(SessionEnd why, AcsActions& out);
    void deadline_passed(AcsActions& out);

    AcsSessionPolicy policy_;
    Phase phase_ = Phase::fresh;
    Waiting waiting_ = Waiting::none;
    Instant deadline_ = Instant::never();
    Duration idle_{};

    // Of the Inform.
    Namespace ns_ = Namespace::cwmp_1_0;  // any CPE can read a fault in it
    std::string inform_id_;
    std::string cwmp_version_;               // to be said in UseCWMPVersion; empty: nothing
    std::vector<std::string> command_keys_;  // of its M events
    std::uint32_t max_envelopes_ = 1;
    bool is_held_ = false;
    bool has_own_requests_ = false;  // TransferComplete and its like, as its events say

    // Of the POST that waits, and of the last one.
    std::string reply_id_;
    bool is_autonomous_ = false;
    bool is_order_with_inform_response_ = false;
    bool was_last_answer_empty_ = false;
    bool is_lost_ = false;

    // Of the ACS's requests.
    std::optional<Message> pending_;
    bool is_pending_beside_inform_response_ = false;
    std::uint32_t last_request_ = 0;

    bool cpe_has_no_more_requests_ = false;
    std::uint32_t posts_ = 0;
    std::uint32_t faults_ = 0;
};

}  // namespace sluice::cwmp
