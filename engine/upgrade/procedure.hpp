#pragma once
// One device's safe upgrade (R3): back up, upgrade, verify, restore; or be back where it was.
// Events in, actions out; the ACS runs it over CWMP or SNMP, tests over a device in virtual time.
//
// The rule in short. Nothing touches the device before the backup that the policy wants is
// verified. A step that fails is done again after a pause; its attempts used up, the operator is
// asked, or it is given up. Given up before the device was touched: over, unchanged. After that:
// roll back to the kept image, put the backup back where the configuration may not be its own any
// more, and try the whole upgrade again, or end. While it is being rolled back nothing is given up
// but by the operator: image and configuration go back together, or somebody knows that they did
// not.

#include "engine/upgrade/events.hpp"
#include "engine/upgrade/policy.hpp"

namespace sluice::upgrade {

class Procedure {
public:
    // The policy is check()ed.
    explicit Procedure(const Policy& policy) : policy_(policy) {}
    // As it was kept. Says again what was open: with the first event, whichever that is.
    Procedure(const Policy& policy, const Record& record)
        : policy_(policy), is_(record), must_say_again_(true) {}

    void on(const Event& event, Instant now, Actions& out);
    Instant next_deadline() const;
    const Record& record() const { return is_; }
    bool is_over() const { return is_.end != End::none; }

private:
    void handle(const Start&, Instant now, Actions& out);
    void handle(const Found&, Instant now, Actions& out);
    void handle(const Ended&, Instant now, Actions& out);
    void handle(const Accepted&, Instant now, Actions& out);
    void handle(const Declined&, Instant now, Actions& out);
    void handle(const Corrected&, Instant now, Actions& out);
    void handle(const CalledOff&, Instant now, Actions& out);
    void handle(const LastTry&, Instant now, Actions& out);
    void handle(const Tick&, Instant now, Actions& out);

    bool is_needed(Step step) const;
    bool wants_backup() const;
    void succeed(Outcome outcome, Instant now, Actions& out);
    void fail(Reason reason, bool is_worth_repeating, Instant now, Actions& out);
    void give_up(Reason reason, Instant now, Actions& out);
    void go_on_to(Step step, Instant now, Actions& out);
    void after_roll_back(Instant now, Actions& out);
    void enter(Step step, Instant now, Actions& out);
    void repeat(Step step, Duration pause, Instant now, Actions& out);
    void begin(Actions& out);
    void ask(Instant now, Actions& out);
    void drop_open(Actions& out);
    void finish(End end, Reason reason, Instant now, Actions& out);
    void say_again(Actions& out);

    Policy policy_;
    Record is_;
    bool must_say_again_ = false;
};

}  // namespace sluice::upgrade
