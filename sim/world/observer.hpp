#pragma once
// What can be seen of a simulated world while it runs. Oracles judge it, the trace hashes it, the
// outcome counts it; nobody who observes changes anything.

#include <cstdint>
#include <vector>

#include "engine/base/strong.hpp"
#include "engine/base/time.hpp"
#include "engine/install/events.hpp"
#include "engine/serving/events.hpp"
#include "engine/transfer/events.hpp"
#include "sim/world/fault.hpp"
#include "sim/world/site.hpp"

namespace sluice::sim::world {

class Host;

class Observer {
public:
    virtual ~Observer() = default;

    virtual void on_fault(const Fault&, Instant) {}
    // A session was made; what the host's store holds is what it resumes with.
    virtual void on_boot(const Host&, Instant) {}
    // The process is gone: its session and server with it.
    virtual void on_down(const Host&, Instant) {}
    // The worker looked at a piece. `is_right` is the truth, not what anybody decided.
    virtual void on_checked(const Host&, PieceIndex, bool /*is_right*/, Instant) {}
    // Power took a piece that was not yet durable.
    virtual void on_lost(const Host&, PieceIndex, Instant) {}
    // Before the machine sees the event; after it gave the action, before it is done.
    virtual void on_event(const Host&, const transfer::Event&, Instant) {}
    virtual void on_action(const Host&, const transfer::Action&, Instant) {}
    virtual void on_event(const Host&, const serving::Event&, Instant) {}
    virtual void on_action(const Host&, const serving::Action&, Instant) {}
    virtual void on_event(const Host&, const install::Event&, Instant) {}
    virtual void on_action(const Host&, const install::Action&, Instant) {}
    // The new slot is whole and boots next.
    virtual void on_installed(const Host&, Instant) {}
    // After every event of the world.
    virtual void on_step(Instant) {}
};

// Hands everything on to several.
class Observers final : public Observer {
public:
    void add(Observer& observer) { all_.push_back(&observer); }

    void on_fault(const Fault& f, Instant t) override {
        for (auto* o : all_) o->on_fault(f, t);
    }
    void on_boot(const Host& h, Instant t) override {
        for (auto* o : all_) o->on_boot(h, t);
    }
    void on_down(const Host& h, Instant t) override {
        for (auto* o : all_) o->on_down(h, t);
    }
    void on_checked(const Host& h, PieceIndex p, bool is_right, Instant t) override {
        for (auto* o : all_) o->on_checked(h, p, is_right, t);
    }
    void on_lost(const Host& h, PieceIndex p, Instant t) override {
        for (auto* o : all_) o->on_lost(h, p, t);
    }
    void on_event(const Host& h, const transfer::Event& e, Instant t) override {
        for (auto* o : all_) o->on_event(h, e, t);
    }
    void on_action(const Host& h, const transfer::Action& a, Instant t) override {
        for (auto* o : all_) o->on_action(h, a, t);
    }
    void on_event(const Host& h, const serving::Event& e, Instant t) override {
        for (auto* o : all_) o->on_event(h, e, t);
    }
    void on_action(const Host& h, const serving::Action& a, Instant t) override {
        for (auto* o : all_) o->on_action(h, a, t);
    }
    void on_event(const Host& h, const install::Event& e, Instant t) override {
        for (auto* o : all_) o->on_event(h, e, t);
    }
    void on_action(const Host& h, const install::Action& a, Instant t) override {
        for (auto* o : all_) o->on_action(h, a, t);
    }
    void on_installed(const Host& h, Instant t) override {
        for (auto* o : all_) o->on_installed(h, t);
    }
    void on_step(Instant t) override {
        for (auto* o : all_) o->on_step(t);
    }

private:
    std::vector<Observer*> all_;
};

}  // namespace sluice::sim::world
