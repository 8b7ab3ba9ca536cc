#pragma once
// Where the endpoint takes what devices say, and gets what to tell them: the planner with its store
// behind it (acs-plugin/acs). Nothing comes back from here before what it follows from is durable.
//
// Callbacks are called once, from inside the call or later, on the same thread.

#include <functional>
#include <optional>
#include <string>

#include "acs-plugin/service/orders.hpp"
#include "acs-plugin/service/planner.hpp"
#include "acs-plugin/service/rows.hpp"

namespace sluice::cwmp::acs {

class Desk {
public:
    virtual ~Desk() = default;
    // What is known of it; valid until the next call.
    virtual const service::DeviceRow* device(const std::string& identity) const = 0;
    // Refused: a report out of bounds. InformResponse promises nothing and does not wait.
    virtual Result<std::string> on_contact(const service::Contact& contact) = 0;
    // False: not written down; the device must come again.
    virtual void on_transfer_complete(const std::string& identity, const std::string& command_key,
                                      std::uint32_t fault, const std::string& why,
                                      std::function<void(bool)> recorded) = 0;
    virtual void next_order(const std::string& identity,
                            std::function<void(std::optional<service::DeviceOrder>)> give) = 0;
    virtual void on_order_answer(const std::string& identity,
                                 const service::OrderAnswer& answer) = 0;
};

}  // namespace sluice::cwmp::acs
