#pragma once
// The log as the API gives it: to lists, streams and webhooks alike. The store keeps it; whoever
// reads it says from which number on, and so misses nothing, whatever broke in between.

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "acs-plugin/service/rows.hpp"
#include "engine/base/result.hpp"

namespace sluice::rest {

// The store's. `done` comes on the io_context's thread.
using History = std::function<void(
    service::EventQuery query, std::function<void(Result<std::vector<service::EventRow>>)> done)>;

// Every kind there is, in the order of the alphabet.
const std::vector<std::string_view>& event_kinds();

// Without the members that have nothing to say.
nlohmann::ordered_json to_json(const service::EventRow& row);

}  // namespace sluice::rest
