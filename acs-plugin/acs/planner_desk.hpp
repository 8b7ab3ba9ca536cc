#pragma once
// The desk behind the CWMP endpoint: the planner, and the ledger that holds back what is not
// durable yet.

#include <functional>

#include "acs-plugin/acs/ledger.hpp"
#include "acs-plugin/cwmp/desk.hpp"

namespace sluice::acs {

class PlannerDesk final : public cwmp::acs::Desk {
public:
    // Both outlive it. `may_act`: nobody else can own the store yet; asked again before an order
    // leaves.
    PlannerDesk(service::Planner& planner, Ledger& ledger,
                std::function<service::WallTime()> wall_time, std::function<bool()> may_act)
        : planner_(planner),
          ledger_(ledger),
          wall_time_(std::move(wall_time)),
          may_act_(std::move(may_act)) {}

    // A device whose order may follow in a moment (something of its own is being read) is kept
    // waiting for it: false, or `then` when it is known.
    using Wait = std::function<bool(const std::string& identity, std::function<void()> then)>;
    void set_wait(Wait wait) { wait_ = std::move(wait); }

    void find(const std::string& identity, std::function<void(Found)> then) override;
    void on_contact(const service::Contact& contact, std::function<void(Told)> then) override;
    void on_transfer_complete(const std::string& identity, const std::string& command_key,
                              std::uint32_t fault, const std::string& why,
                              std::function<void(bool)> recorded) override;
    void next_order(const std::string& identity, std::function<void(Order)> give) override;
    void on_order_answer(const std::string& identity, const service::OrderAnswer& answer) override;

private:
    service::Planner& planner_;
    Ledger& ledger_;
    std::function<service::WallTime()> wall_time_;
    std::function<bool()> may_act_;
    Wait wait_;
};

}  // namespace sluice::acs
