#pragma once
// What an operator orders: which image, for whom, in which steps, and when to stop. As JSON in the
// REST API and in RolloutRow; unknown keys are refused with the nearest known name. Names as the
// members, but for times, in seconds: "drain_max_s", "soak_s"; flow "a" or "b". docs/ROLLOUTS.md
// says what each means, with its default.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"

namespace sluice::service {

// How slaves are told their master (R2.5, R2.6). B needs the agent.
enum class Flow : std::uint8_t { a, b };

// Devices by what they are: one value of every list that is not empty.
struct GroupSpec {
    std::vector<std::string> devices;  // identities
    std::vector<std::string> sites;
    std::vector<std::string> hardware_versions, software_versions;
    bool is_empty() const {
        return devices.empty() && sites.empty() && hardware_versions.empty() &&
               software_versions.empty();
    }
};

// One step: so many devices, so many percent of all that the image fits, or a group. By count and
// percent, sites go whole: one copy of the image is for all of them.
struct WaveSpec {
    std::uint32_t count = 0;
    std::uint32_t percent = 0;
    GroupSpec group;
    // Of those in it that came: done before the next opens.
    std::uint32_t success_percent = 95;
    // Of those ordered so far: failed, and the rollout halts. 0: ErrorSpec's.
    std::uint32_t error_percent = 0;
    std::chrono::seconds soak{0};  // between success and the next wave
};

// When a rollout halts by itself. A device fails by its verdict; one whose image did not verify
// (9018, 9019), or that was not well on the new image, weighs at its first attempt.
struct ErrorSpec {
    std::uint32_t percent = 10;            // failed of the wave's ordered; 0: off
    std::uint32_t at_least = 3;            // failed, before the percentage is looked at
    std::uint32_t count = 0;               // failed in the whole rollout; 0: off
    std::uint32_t verification_count = 1;  // of those that weigh at once; 0: they weigh as others
    // What a device with this fault counts; 1 where nothing is said, 0: not at all.
    std::vector<std::pair<std::uint32_t, std::uint32_t>> weights;
};

// Orders leave only within; `to` before `from` is the next morning.
struct WindowSpec {
    std::vector<std::string> days;  // "mon" … "sun", of `from`; empty: all
    std::uint32_t from_minute = 0;  // "02:00"
    std::uint32_t to_minute = 0;    // "05:00"; the same as from: all day
    std::string zone = "device";    // or POSIX or IANA: everybody's
};

struct RolloutSpec {
    std::string name;   // shown to people; the id is made of it
    std::string image;  // ImageRow::id
    Flow flow = Flow::a;
    std::vector<std::string> sites;       // values; empty: all
    std::vector<std::string> devices;     // identities; empty: every device that the manifest fits
    bool uses_peers = true;               // false: everybody from the origin
    std::uint32_t max_sites_at_once = 0;  // start permits by site; 0: no limit
    std::uint32_t max_attempts = 3;       // orders per device before it counts as failed
    std::uint32_t plain_canaries = 2;  // per model and kind of site, before plain CPEs are slaves
    std::uint64_t origin_bps = 0;      // what a site may draw; 0: the planner's setting
    std::chrono::seconds drain_max = std::chrono::minutes(30);
    std::chrono::seconds order_timeout = std::chrono::hours(1);  // sent, and nothing heard
    std::chrono::seconds commit_timeout = std::chrono::hours(24);
    std::chrono::seconds retain = std::chrono::hours(24 * 7);

    // The canary is the first wave, with other defaults: all done (100 %).
    std::optional<WaveSpec> canary;
    std::vector<WaveSpec> waves;  // who is in none of them comes after them
    ErrorSpec error;
    std::vector<WindowSpec> windows;  // empty: always
    std::string time_zone = "UTC";    // of a device that does not say its own
    std::chrono::seconds jitter{0};   // each device's own part of it passes before its first order
    std::uint32_t priority = 100;     // the higher goes first
    std::int64_t start_at = 0;        // UTC, seconds since 1970; "2026-03-01T02:00:00Z"; 0: now
    std::chrono::seconds retry_first = std::chrono::seconds(15);  // doubles with every attempt
    std::chrono::seconds retry_max = std::chrono::hours(1);
    // The origin's load by this rollout: devices that take from it at a time, bits a second of
    // them all; and copies of the image a site may take beside one for each device that no peer
    // can serve: alarm at four fifths, and then hold. 0: no limit.
    std::uint32_t max_origin_transfers = 0;
    std::uint64_t max_origin_bps = 0;
    std::uint32_t site_budget_images = 0;
    // Each device is backed up before, and restored after it (SafeSpec, as JSON); empty: not.
    std::string safe;
};

Result<RolloutSpec> parse_rollout_spec(std::string_view json);
std::string to_json(const RolloutSpec& spec);

}  // namespace sluice::service
