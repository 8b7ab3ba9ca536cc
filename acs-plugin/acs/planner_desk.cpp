#include "acs-plugin/acs/planner_desk.hpp"

namespace sluice::acs {

using cwmp::acs::DeskWord;

void PlannerDesk::find(const std::string& identity, std::function<void(Found)> then) {
    const auto* row = planner_.device(identity);
    then({DeskWord::taken, row != nullptr ? std::optional(*row) : std::nullopt});
}

void PlannerDesk::on_contact(const service::Contact& contact, std::function<void(Told)> then) {
    service::Changes changes;
    const auto identity = planner_.on_contact(contact, wall_time_(), changes);
    ledger_.write(std::move(changes));
    if (identity.has_value()) return then({});
    then({DeskWord::refused, identity.error().message});
}

void PlannerDesk::on_transfer_complete(const std::string& identity, const std::string& command_key,
                                       std::uint32_t fault, const std::string& why,
                                       std::function<void(bool)> recorded) {
    service::Changes changes;
    planner_.on_transfer_complete(identity, command_key, fault, why, wall_time_(), changes);
    // After a failed write the process ends without an answer: the device comes again.
    ledger_.write_then(std::move(changes), [recorded = std::move(recorded)] { recorded(true); });
}

void PlannerDesk::next_order(const std::string& identity, std::function<void(Order)> give) {
    service::Changes changes;
    Order out{DeskWord::taken, planner_.next_order(identity, wall_time_(), changes)};
    if (!out.order) {
        ledger_.write(std::move(changes));
        if (wait_ && wait_(identity, [this, identity, give] { next_order(identity, give); }))
            return;
        return give(std::move(out));
    }
    ledger_.write_then(std::move(changes),
                       [this, identity, out = std::move(out), give = std::move(give)]() mutable {
                           if (!may_act_()) return give({DeskWord::away, {}});
                           // Its rollout may have halted while the order's row was written.
                           if (!planner_.still_stands(identity, *out.order)) out.order.reset();
                           give(std::move(out));
                       });
}

void PlannerDesk::on_order_answer(const std::string& identity, const service::OrderAnswer& answer) {
    service::Changes changes;
    planner_.on_order_answer(identity, answer, wall_time_(), changes);
    ledger_.write(std::move(changes));
}

}  // namespace sluice::acs
