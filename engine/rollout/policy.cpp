#include "engine/rollout/policy.hpp"

#include <algorithm>

namespace sluice::rollout {

Result<void> check(const Policy& p) {
    if (p.max_attempts == 0) return Error{"max_attempts: is 0: nobody would be ordered"};
    if (p.drain_max < Duration{} || p.first_back_off <= Duration{} || p.back_off_max <= Duration{})
        return Error{"drain_max: is negative"};
    if (p.order_timeout <= Duration{}) return Error{"order_timeout: is 0"};
    if (p.commit_timeout <= Duration{}) return Error{"commit_timeout: is 0"};
    if (p.patience <= Duration{}) return Error{"retain: is 0"};
    if (p.waves.empty() || p.waves.size() > kMaxWaves) return Error{"waves: are not 1 to 64"};
    for (const auto& w : p.waves)
        if (w.success_percent > 100 || w.error_percent > 100 || w.soak < Duration{})
            return Error{"waves: a percentage is above 100"};
    if (p.windows.size() > kMaxWindows) return Error{"windows: are more than 32"};
    for (const auto& w : p.windows)
        if (w.from >= 1440 || w.to >= 1440 || (w.days & 0x7f) == 0)
            return Error{"windows: a time is no time of a day, or no day is named"};
    if (p.jitter < Duration{}) return Error{"jitter: is negative"};
    return success();
}

std::uint32_t ErrorPolicy::weight_of(std::uint32_t fault) const {
    for (const auto& [code, weight] : weights)
        if (code == fault) return weight;
    return 1;
}

Duration back_off(const Policy& policy, std::uint32_t attempts) {
    auto wait = policy.first_back_off;
    for (std::uint32_t i = 1; i < attempts && wait < policy.back_off_max; ++i) wait *= 2;
    return std::min(wait, policy.back_off_max);
}

bool is_worth_retrying(std::uint32_t fault, inventory::DeviceKind kind) {
    switch (fault) {
        case 9000:
        case 9006:
        case 9019:
            return false;
        case 9003:
            return kind == inventory::DeviceKind::plain;
        default:
            return true;
    }
}

}  // namespace sluice::rollout
