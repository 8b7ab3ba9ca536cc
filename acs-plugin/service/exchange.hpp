#pragma once
// One turn of the planner for an ACS that is not ours: what a device said goes in, what to tell it
// comes out. The words of sluice-planner's POST /contacts and of the C ABI, as JSON:
//
//   {"report": {…}, "answers": [{"command_key", "is_done", "fault", "why",
//                                "values": [{"name", "value"}], "methods": […]}],
//    "transfers": [{"command_key", "fault", "why"}], "wants_order": true}
//   → {"identity": "…", "order": {"kind", "command_key", "url", …} or null}
//
// Every part may be said again: an answer or a transfer that was heard changes nothing, and an
// order is the same until it is answered. A turn without a report names the device instead:
// {"identity": "…"}.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acs-plugin/service/planner.hpp"
#include "engine/grouping/json_reader.hpp"

namespace sluice::service {

// How a Download ended, as the device says it (TransferComplete). Without a key: the last one.
struct TransferWord {
    std::string command_key;
    std::uint32_t fault = 0;
    std::string why;
};

struct Exchange {
    std::optional<Contact> contact;
    std::string identity;  // the contact's, where there is one
    std::vector<OrderAnswer> answers;
    std::vector<TransferWord> transfers;
    bool wants_order = true;
};

inline constexpr std::size_t kMaxExchangeBytes = 64 * 1024;

// Keys that nobody knows are refused, bounds are held; the error names the field. A file server
// that is not inside `lan` is not believed: one device must not send the others anywhere.
Result<Exchange> parse_exchange(std::string_view json, const std::vector<inventory::Prefix>& lan);
// The same of an object inside a larger document, whose verdict says whether it was good.
Exchange read_exchange(grouping::JsonReader& from, const std::vector<inventory::Prefix>& lan);

struct ExchangeOutcome {
    std::string identity;
    std::optional<DeviceOrder> order;
    // Something follows from it: it leaves only when `out` is durable.
    bool is_binding = false;
};

// The error is of a report out of bounds, or of an identity that no device has.
Result<ExchangeOutcome> exchange(Planner& planner, const Exchange& said, WallTime now,
                                 Changes& out);

std::string to_json(const ExchangeOutcome& outcome);
std::string to_json(const DeviceOrder& order);

}  // namespace sluice::service
