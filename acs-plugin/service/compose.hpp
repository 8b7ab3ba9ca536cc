#pragma once
// A planned skeleton becomes an Assignment: the secrets go in. The planner knows none of them; only
// here do plan, rollout key and credentials meet.

#include <span>
#include <string>

#include "engine/base/bytes.hpp"
#include "engine/planning/site_plan.hpp"

namespace sluice::service {

struct RolloutSecrets {
    Bytes key;        // K_rollout, 32 bytes
    UtcTime expires;  // of every credential
};

// `name` gets its own serving key, where it serves, and a user name and password at each of its
// peers that only that peer can check. `servers` names the device behind each source; what stands
// there for an origin is not looked at.
Result<void> add_secrets(planning::Assignment& assignment, const std::string& name,
                         std::span<const std::string> servers, const RolloutSecrets& secrets);

// The Assignment of the device of that rank.
Result<planning::Assignment> compose(const planning::SitePlan& plan, std::size_t rank,
                                     const RolloutSecrets& secrets);

}  // namespace sluice::service
