#pragma once
// How long a rollout waits, how often it tries again, how much it does at once. Data, checked where
// it comes in; the waves, windows and thresholds of larger rollouts join here.

#include <cstdint>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/inventory/device_report.hpp"

namespace sluice::rollout {

struct Policy {
    std::uint32_t max_sites_at_once = 0;  // 0: no limit
    std::uint32_t max_attempts = 3;       // a stage order and its upgrade are one attempt
    std::uint32_t plain_canaries = 2;     // of a model at a kind of site
    Duration drain_max = std::chrono::minutes(30);
    Duration order_timeout = std::chrono::hours(1);
    // Silence is no verdict before this is over (a device may be on the new image and not reach
    // the ACS).
    Duration commit_timeout = std::chrono::hours(24);
    // A device that was never ordered and not heard of for so long is passed over; one that holds
    // the image and does not come to be told to install fails.
    Duration patience = std::chrono::hours(24 * 7);
    Duration first_back_off = std::chrono::seconds(15);
    Duration back_off_max = std::chrono::hours(1);
};

Result<void> check(const Policy& policy);

// Doubles with every attempt.
Duration back_off(const Policy& policy, std::uint32_t attempts);

// Whether the same order may go better the next time. What a plain CPE finds wrong with our
// arguments may be a URL that it does not like.
//
// | fault                                | agent | plain CPE |
// |--------------------------------------|-------|-----------|
// | 9000 method, 9006 type               | no    | no        |
// | 9003 arguments                       | no    | yes       |
// | 9019 not authentic, or not for it    | no    | no        |
// | all others                           | yes   | yes       |
bool is_worth_retrying(std::uint32_t fault, inventory::DeviceKind kind);

// What an agent says when no transfer was at fault: after a reboot, that the new image was tried,
// was not well, and was left again. It would be left the next time too.
inline constexpr std::uint32_t kAnythingElse = 9010;

}  // namespace sluice::rollout
