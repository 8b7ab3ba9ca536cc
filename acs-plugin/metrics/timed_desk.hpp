#pragma once
// A desk that says how long the one behind it took in its own code; waiting for the medium is not
// counted here.

#include <chrono>
#include <memory>
#include <utility>

#include "acs-plugin/cwmp/desk.hpp"
#include "acs-plugin/metrics/metrics.hpp"

namespace sluice::metrics {

// From its making until somebody is told, or until the call is over.
class Stopwatch {
public:
    Stopwatch(Metrics& metrics, PlannerCall call)
        : metrics_(metrics), call_(call), began_(std::chrono::steady_clock::now()) {}
    void stop() {
        if (std::exchange(is_stopped_, true)) return;
        metrics_.planner_took(call_, std::chrono::steady_clock::now() - began_);
    }

private:
    Metrics& metrics_;
    PlannerCall call_;
    std::chrono::steady_clock::time_point began_;
    bool is_stopped_ = false;
};

class TimedDesk final : public cwmp::acs::Desk {
public:
    // Both outlive it.
    TimedDesk(cwmp::acs::Desk& desk, Metrics& metrics) : desk_(desk), metrics_(metrics) {}

    void find(const std::string& identity, std::function<void(Found)> then) override {
        desk_.find(identity, std::move(then));
    }
    void on_contact(const service::Contact& contact, std::function<void(Told)> then) override {
        const auto watch = start(PlannerCall::contact);
        desk_.on_contact(contact, stopping(watch, std::move(then)));
        watch->stop();
    }
    void on_transfer_complete(const std::string& identity, const std::string& command_key,
                              std::uint32_t fault, const std::string& why,
                              std::function<void(bool)> recorded) override {
        const auto watch = start(PlannerCall::transfer);
        desk_.on_transfer_complete(identity, command_key, fault, why,
                                   stopping(watch, std::move(recorded)));
        watch->stop();
    }
    void next_order(const std::string& identity, std::function<void(Order)> give) override {
        const auto watch = start(PlannerCall::order);
        desk_.next_order(identity, stopping(watch, std::move(give)));
        watch->stop();
    }
    void on_order_answer(const std::string& identity, const service::OrderAnswer& answer) override {
        const auto watch = start(PlannerCall::answer);
        desk_.on_order_answer(identity, answer);
        watch->stop();
    }

private:
    using Watch = std::shared_ptr<Stopwatch>;
    Watch start(PlannerCall call) const { return std::make_shared<Stopwatch>(metrics_, call); }
    template <class Word>
    static std::function<void(Word)> stopping(const Watch& watch, std::function<void(Word)> then) {
        return [watch, then = std::move(then)](Word word) {
            watch->stop();
            then(std::move(word));
        };
    }

    cwmp::acs::Desk& desk_;
    Metrics& metrics_;
};

}  // namespace sluice::metrics
