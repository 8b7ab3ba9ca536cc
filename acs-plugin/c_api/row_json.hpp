#pragma once
// The planner's rows as a stranger's store keeps them: kind, key, whose it is, and all columns as
// one JSON object. The columns are those of acs-plugin/store. Reading is tolerant as that store's
// migrations are: a column that is missing has its default, one that nobody knows is ignored.

#include <optional>
#include <string>
#include <string_view>

#include "acs-plugin/service/rows.hpp"
#include "engine/base/result.hpp"

namespace sluice::c_api {

struct KeptRow {
    std::string kind, key, device, json;
};

// Nothing for rows that no planner makes (tokens, webhooks, idempotency).
std::optional<KeptRow> keep(const service::Row& row);
// The error names kind and column.
Result<service::Row> read_row(std::string_view kind, std::string_view json);

}  // namespace sluice::c_api
