#pragma once
// A planned skeleton becomes an Assignment: the secrets go in. The planner knows none of them; only
// here do plan, rollout key and credentials meet.

#include <string>

#include "engine/base/bytes.hpp"
#include "engine/planning/site_plan.hpp"

namespace sluice::cli {

struct RolloutSecrets {
    Bytes key;        // K_rollout, 32 bytes
    UtcTime expires;  // of every credential
};

// The device of that rank gets its own serving key, and a name and a password at each of its
// peers that only that peer can check.
Result<planning::Assignment> compose(const planning::SitePlan& plan, std::size_t rank,
                                     const RolloutSecrets& secrets);

}  // namespace sluice::cli
