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
    // Models that are listed as cwmp-1-0 and take a second envelope beside the InformResponse
    // (R1.1); the CPE's MaxEnvelopes counts too.
    bool may_send_second_envelope = false;
    // R1.2: InformResponse and requests say HoldRequests=1 to a CPE that was called.
    bool holds_requests_when_called = true;
    Duration idle_timeout = std::chrono::seconds(30);  // from our answer to its next POST
    std::uint32_t max_posts = 256;                     // in one session
    std::uint32_t max_faults = 8;                      // nonsense taken before it ends
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
struct InformTaken {};
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
// Make it durable, then TransferRecorded. Both kinds of TransferComplete.
struct RecordTransfer {
    TransferComplete transfer;
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
struct SendBadRequest {
    std::string why;
};  // 400: no session can be had from this
enum class SessionEnd : std::uint8_t { finished, timed_out, lost, too_long, nonsense };
// The last action of a session; what waits was answered before.
struct EndSession {
    SessionEnd why = SessionEnd::finished;
};

using AcsAction = std::variant<TakeInform, RecordTransfer, WantOrder, TakeAnswer, SendEnvelopes,
                               SendEmpty, SendBadRequest, EndSession>;
using AcsActions = std::vector<AcsAction>;

class AcsSession {
public:
    explicit AcsSession(const AcsSessionPolicy& policy);

    void on(const AcsEvent& event, Instant now, AcsActions& out);
    Instant next_deadline() const { return deadline_; }
    bool is_over() const { return phase_ == Phase::over; }

private:
    enum class Phase : std::uint8_t { fresh, informing, cpe_asks, acs_asks, over };

    AcsSessionPolicy policy_;
    Phase phase_ = Phase::fresh;
    Instant deadline_ = Instant::never();
    // The engine's own state follows with the implementation.
};

}  // namespace sluice::cwmp
