#include "acs-plugin/acs/planner_desk.hpp"

namespace sluice::acs {

const service::DeviceRow* PlannerDesk::device(const std::string& identity) const {
    return planner_.device(identity);
}

Result<std::string> PlannerDesk::on_contact(const service::Contact& contact) {
    service::Changes changes;
    auto identity = planner_.on_contact(contact, wall_time_(), changes);
    ledger_.write(std::move(changes));
    return identity;
}

void PlannerDesk::on_transfer_complete(const std::string& identity, const std::string& command_key,
                                       std::uint32_t fault, const std::string& why,
                                       std::function<void(bool)> recorded) {
    service::Changes changes;
    planner_.on_transfer_complete(identity, command_key, fault, why, wall_time_(), changes);
    // After a failed write the process ends without an answer: the device comes again.
    ledger_.write_then(std::move(changes), [recorded = std::move(recorded)] { recorded(true); });
}

void PlannerDesk::next_order(const std::string& identity,
                             std::function<void(std::optional<service::DeviceOrder>)> give) {
    service::Changes changes;
    auto order = planner_.next_order(identity, wall_time_(), changes);
    if (!order) {
        ledger_.write(std::move(changes));
        return give(std::nullopt);
    }
    ledger_.write_then(std::move(changes),
                       [order = std::move(order), give = std::move(give)] { give(order); });
}

void PlannerDesk::on_order_answer(const std::string& identity, const service::OrderAnswer& answer) {
    service::Changes changes;
    planner_.on_order_answer(identity, answer, wall_time_(), changes);
    ledger_.write(std::move(changes));
}

}  // namespace sluice::acs
