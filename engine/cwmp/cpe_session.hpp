#pragma once
// The CPE's end of one CWMP session (TR-069 §3.7.1): Inform, its own requests, the empty POST, the
// ACS's requests, the end. HTTP with its challenges, redirects and cookies is the shell's, and so
// is what a request does to the device. Which events an Inform carries, and what stays pending, is
// cpe_events.hpp's; when the next session begins, cpe_schedule.hpp's.

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/time.hpp"
#include "engine/cwmp/codec.hpp"
#include "engine/cwmp/messages.hpp"

namespace sluice::cwmp {

struct CpeSessionPolicy {
    Duration answer_timeout = std::chrono::seconds(60);  // from a POST of ours to its answer
    std::uint32_t max_requests = 256;                    // of the ACS, in one session
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
// To Execute: the response, or a Fault.
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
// The last action. `is_success` false: to be tried again by cpe_schedule's retry wait.
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
    explicit CpeSession(const CpeSessionPolicy& policy = {});

    void on(const CpeEvent& event, Instant now, CpeActions& out);
    Instant next_deadline() const { return deadline_; }

private:
    CpeSessionPolicy policy_;
    Instant deadline_ = Instant::never();
    // The engine's own state follows with the implementation.
};

}  // namespace sluice::cwmp
