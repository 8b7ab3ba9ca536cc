#pragma once
// A file as it is announced to a planner that never sees its bytes.

#include <string_view>

#include "acs-plugin/service/rows.hpp"
#include "engine/base/result.hpp"

namespace sluice::c_api {

// {"manifest": "<DSSE envelope>"} or {"configuration": {"name", "version", "length", "sha256"}}.
Result<service::ImageRow> parse_announcement(std::string_view json);

}  // namespace sluice::c_api
