#pragma once
// What nodes say to one another, as CBOR maps: additive, as all wire formats of ours. What comes is
// from a node that knows the secret, and is bounded and checked all the same.

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "acs-plugin/service/orders.hpp"
#include "acs-plugin/service/planner.hpp"
#include "acs-plugin/service/rows.hpp"

namespace sluice::cluster {

// Nodes of another number do not talk: the release notes say how to go from one to the next.
inline constexpr int kVersion = 1;

using Message = nlohmann::json;
inline constexpr std::uint32_t kMaxFrame = 5 * 1024 * 1024;  // a configuration has 4 MiB

// Of one message about payload: sent in as many as it takes, and no more of one is looked at.
inline constexpr std::size_t kMaxAccounts = 1000;
inline constexpr std::uint32_t kMaxRequests = 100;  // of one account

std::string to_frame(const Message& message);
// A map; nothing: no CBOR, or something else.
std::optional<Message> from_frame(const std::string& frame);

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

// A text or number of a message; empty or 0 where there is none.
std::string text_of(const Message& message, const char* name);
std::uint64_t number_of(const Message& message, const char* name);
bool is_on(const Message& message, const char* name);

}  // namespace sluice::cluster
