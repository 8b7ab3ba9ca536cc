#pragma once
// An AcsSession under a clock of its own, with what it does as lines of text. A test plays CPE and
// shell.

#include <string>
#include <vector>

#include "engine/base/overloaded.hpp"
#include "engine/cwmp/acs_session.hpp"
#include "tests/cwmp/session_pair.hpp"

namespace sluice::cwmp {

inline std::string describe(const AcsAction& action) {
    return std::visit(
        Overloaded{
            [](const TakeInform& a) { return "take Inform of " + a.inform.device.serial_number; },
            [](const RecordTransfer& a) {
                return (a.is_autonomous ? "record autonomous '" : "record '") +
                       a.transfer.command_key + "' " + std::to_string(a.transfer.fault.code);
            },
            [](const WantOrder& a) {
                return std::string(a.is_with_inform_response ? "want order with InformResponse"
                                                             : "want order");
            },
            [](const TakeAnswer& a) {
                return "take " + method_name(a.answer) + " to " + method_name(a.request);
            },
            [](const SendEnvelopes& a) { return flows::describe(a.envelopes); },
            [](const SendEmpty& a) { return std::to_string(a.status) + " empty"; },
            [](const SendBadRequest& a) { return "400 " + a.why; },
            [](const EndSession& a) {
                static constexpr const char* kWhy[] = {"finished", "timed out", "lost", "too long",
                                                       "nonsense"};
                return std::string("end: ") + kWhy[static_cast<int>(a.why)];
            },
        },
        action);
}

struct AcsRig {
    AcsSession session;
    Instant now{};
    AcsActions last;

    explicit AcsRig(const AcsSessionPolicy& policy = {}) : session(policy) {}

    std::vector<std::string> say(const AcsEvent& event) {
        last.clear();
        session.on(event, now, last);
        std::vector<std::string> lines;
        for (const auto& action : last) lines.push_back(describe(action));
        return lines;
    }
    std::vector<std::string> post(Message message, Header header = with_id("c1"),
                                  Namespace ns = Namespace::cwmp_1_2) {
        return say(Posted{{ns, std::move(header), std::move(message)}});
    }
    // What the last answer said: its envelopes.
    const std::vector<Envelope>& sent() const {
        static const std::vector<Envelope> kNone;
        for (const auto& action : last)
            if (const auto* send = std::get_if<SendEnvelopes>(&action)) return send->envelopes;
        return kNone;
    }
    // Past the InformResponse.
    void open(const Inform& inform, Header header = with_id("c1"),
              Namespace ns = Namespace::cwmp_1_2) {
        post(inform, std::move(header), ns);
        say(InformTaken{});
    }
};

}  // namespace sluice::cwmp
