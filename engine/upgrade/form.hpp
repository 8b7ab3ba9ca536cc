#pragma once
// The policy as an operator writes it, and the record as it is kept: JSON, the same for both
// southbounds.
//
// Policy: {"backup": "by_device|require|attempt|skip", "restore": "always|if_lost|never",
// "converts": bool, "needs_kept_image": bool, "tries": n, "steps": {"transfer": {"limit_s": n,
// "pause_s": n, "attempts": n, "asks": bool}, …}}. What is not said keeps its default; what nobody
// knows is refused with the nearest known name.

#include <string>
#include <string_view>

#include "engine/base/result.hpp"
#include "engine/upgrade/policy.hpp"
#include "engine/upgrade/record.hpp"

namespace sluice::upgrade {

// Said over `otherwise`. check()ed.
Result<Policy> parse_policy(std::string_view json, const Policy& otherwise = {});

// Times are kept as given: whoever restores a record turns them into its own clock's.
std::string to_json(const Record& record);
Result<Record> parse_record(std::string_view json);

}  // namespace sluice::upgrade
