#pragma once
// What RolloutRow::progress holds: where each wave stands, how the fleet was cut into them, and why
// the rollout halted. JSON; written and read by this folder only.

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/rollout/waves.hpp"

namespace sluice::service {

struct Progress {
    std::vector<rollout::WaveStand> waves;
    std::vector<std::uint64_t> ends;  // WaveCuts
    rollout::HaltCause cause = rollout::HaltCause::none;
    std::uint32_t halted_wave = 0;
    Instant halted{};
    std::uint32_t untouched = 0;  // devices that were never enrolled when it was over
};

std::string to_json(const Progress& progress);
// Empty: of a rollout that an older release started.
Result<Progress> parse_progress(std::string_view json);

}  // namespace sluice::service
