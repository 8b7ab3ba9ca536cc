#pragma once
// One CPE's session, between the HTTP endpoint and the desk: drives the session machine, gathers
// what the CPE says, asks it for what is missing, hands on the planner's orders RPC by RPC. What it
// answers to a POST goes to its owner; no HTTP here.

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "acs-plugin/cwmp/desk.hpp"
#include "acs-plugin/cwmp/known_gaps.hpp"
#include "acs-plugin/mapping/reading.hpp"
#include "engine/cwmp/acs_session.hpp"

namespace sluice::cwmp::acs {

class DeviceSession;

class SessionOwner {
public:
    virtual ~SessionOwner() = default;
    virtual Instant now() const = 0;
    // To the POST that waits. No envelopes: an empty body; `why`: of a 400.
    virtual void answer(DeviceSession& session, unsigned status,
                        const std::vector<cwmp::Envelope>& envelopes, const std::string& why) = 0;
    // It said who it is: any other session of this device is over.
    virtual void identified(DeviceSession& session) = 0;
    virtual void ended(DeviceSession& session, cwmp::SessionEnd why) = 0;
    // The planner is away: 503 to the POST that waits, and the session is over.
    virtual void turned_away(DeviceSession& session) = 0;
    virtual KnownGaps& known_gaps() = 0;
};

struct SessionTerms {
    cwmp::AcsSessionPolicy policy;
    mapping::ParameterMapping mapping;
    std::vector<inventory::Prefix> lan;       // where a FileServerURL may lead
    std::vector<inventory::Prefix> callable;  // call_policy.hpp
};

class DeviceSession : public std::enable_shared_from_this<DeviceSession> {
public:
    // All three outlive it.
    DeviceSession(SessionOwner& owner, Desk& desk, const SessionTerms& terms);

    void on(const cwmp::AcsEvent& event);

    Instant next_deadline() const { return machine_.next_deadline(); }
    bool is_waiting() const { return machine_.is_waiting(); }
    bool is_over() const { return machine_.is_over(); }
    const std::string& identity() const { return identity_; }

    // Where its last POST came from.
    std::string address;

private:
    void act(cwmp::TakeInform& action);
    void act(cwmp::RecordTransfer& action);
    void act(cwmp::WantOrder& action);
    void act(cwmp::TakeAnswer& action);
    void act(cwmp::SendEnvelopes& action);
    void act(cwmp::SendEmpty& action);
    void act(cwmp::SendBadRequest& action);
    void act(cwmp::EndSession& action);

    void on_found(const cwmp::Inform& inform, cwmp::Namespace ns, Desk::Found found);
    void on_told(const cwmp::Inform& inform, const Desk::Told& told);
    void tell_contact(bool is_first, std::function<void(Desk::Told)> then);
    void take_values(const cwmp::GetParameterValues& request, const cwmp::Message& answer);
    void take_order(Desk::Order given);
    std::optional<service::OrderAnswer> take_read(const cwmp::TakeAnswer& action);

    SessionOwner& owner_;
    Desk& desk_;
    const SessionTerms& terms_;
    cwmp::AcsSession machine_;
    mapping::Reading reading_;
    std::string identity_;
    std::string version_;  // of its software, as it says
    std::optional<service::DeviceRow> known_;

    std::deque<std::vector<std::string>> to_ask_;  // GetParameterValues still to be sent
    bool is_asking_ = false;
    std::optional<service::DeviceOrder> order_;
    std::deque<cwmp::Message> requests_;  // of order_, the first is with the device or the next
    service::OrderAnswer read_;           // so far, of a ReadOrder
};

}  // namespace sluice::cwmp::acs
