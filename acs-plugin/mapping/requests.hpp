#pragma once
// An order of the planner as the RPCs that carry it out, in the order they are sent; and what the
// CPE's answers to them mean to the planner.

#include <optional>
#include <string_view>
#include <vector>

#include "acs-plugin/mapping/parameter_mapping.hpp"
#include "acs-plugin/service/orders.hpp"
#include "engine/cwmp/messages.hpp"

namespace sluice::mapping {

// `root`: "Device." or "InternetGatewayDevice.". Parameters are set before the Download that needs
// them.
std::vector<cwmp::Message> to_requests(const service::DeviceOrder& order, std::string_view root,
                                       const ParameterMapping& mapping);

// The planner's word on one answer; nothing while the order goes on with its next request. Not of a
// ReadOrder, whose answers are gathered.
std::optional<service::OrderAnswer> read_answer(const service::DeviceOrder& order,
                                                const cwmp::Message& answer);

// What the device says to one request of a ReadOrder.
void gather(const cwmp::Message& answer, service::OrderAnswer& into);

}  // namespace sluice::mapping
