#pragma once
// How long a rollout waits, how often it tries again, how much it does at once, in which steps, and
// when it stops by itself. Data, checked where it comes in.

#include <cstdint>
#include <utility>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/inventory/device_report.hpp"

namespace sluice::rollout {

// One step. What is done opens the next, what failed halts (waves.hpp).
struct WavePolicy {
    std::uint32_t success_percent = 95;
    std::uint32_t error_percent = 0;  // 0: off
    Duration soak{};
};

// What weighs how much. A device fails by its verdict.
struct ErrorPolicy {
    std::uint32_t at_least = 3;            // failed, before a percentage is looked at
    std::uint32_t count = 0;               // in all; 0: off
    std::uint32_t verification_count = 0;  // of those that weigh at their first attempt; 0: off
    std::vector<std::pair<std::uint32_t, std::uint32_t>> weights;  // by fault; others weigh 1

    std::uint32_t weight_of(std::uint32_t fault) const;
};

// Minutes of the local day; `to` not after `from`: of the next day.
struct Window {
    std::uint8_t days = 0x7f;  // bit 0: Sunday; by the day it begins
    std::uint16_t from = 0, to = 0;
};

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

    std::vector<WavePolicy> waves = {WavePolicy{}};  // 1 to kMaxWaves
    ErrorPolicy error;
    std::vector<Window> windows;             // empty: always. Instants count from 1970 then
    Duration jitter{};                       // of which each device waits a part of its own
    std::uint32_t max_origin_transfers = 0;  // devices that take from the origin; 0: no limit

    // A device's order to install leaves only when it is Prepared, and its verdict is Concluded.
    // Whoever prepares it counts the attempts from there on; max_attempts is of stage orders.
    bool is_safe = false;
};

inline constexpr std::size_t kMaxWaves = 64;
inline constexpr std::size_t kMaxWindows = 32;

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

// The image itself is at fault, or seems to be: 9018 digest, 9019 signature.
constexpr bool is_verification_fault(std::uint32_t fault) {
    return fault == 9018 || fault == 9019;
}

// What an agent says when no transfer was at fault: after a reboot, that the new image was tried,
// was not well, and was left again. It would be left the next time too.
inline constexpr std::uint32_t kAnythingElse = 9010;

}  // namespace sluice::rollout
