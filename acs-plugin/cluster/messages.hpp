#pragma once
// The values in what nodes say to one another (frame.hpp), and back.

#include "acs-plugin/cluster/frame.hpp"
#include "acs-plugin/service/orders.hpp"
#include "acs-plugin/service/planner.hpp"
#include "acs-plugin/service/rows.hpp"

namespace sluice::cluster {

// Of one message about payload: sent in as many as it takes, and no more of one is looked at.
inline constexpr std::size_t kMaxAccounts = 1000;
inline constexpr std::uint32_t kMaxRequests = 100;  // of one account

Message to_message(const service::Contact& contact);
Message to_message(const service::DeviceRow& row);
Message to_message(const service::DeviceOrder& order);
Message to_message(const service::OrderAnswer& answer);
Message to_message(const service::Grant& grant);
Message to_message(const service::ImageRow& row);

// False: not all of it is there, or not as it must be. `out` is then anything.
bool read(const Message& message, service::Contact& out);
bool read(const Message& message, service::DeviceRow& out);
bool read(const Message& message, service::DeviceOrder& out);
bool read(const Message& message, service::OrderAnswer& out);
bool read(const Message& message, service::Grant& out);
bool read(const Message& message, service::ImageRow& out);

}  // namespace sluice::cluster
