#include "engine/upgrade/policy.hpp"

#include <algorithm>
#include <string>

namespace sluice::upgrade {

std::array<Rule, kSteps> Policy::default_rules() {
    std::array<Rule, kSteps> rules{};
    const auto set = [&](Step step, Duration limit) {
        rules[static_cast<std::size_t>(step)].limit = limit;
    };
    set(Step::precheck, std::chrono::hours(24));  // it may poll once a day
    set(Step::transfer, std::chrono::hours(2));
    set(Step::verify, std::chrono::minutes(30));
    set(Step::verify_roll_back, std::chrono::minutes(30));
    return rules;
}

Policy backup_and_restore_always() {
    Policy policy;
    policy.backup = Backup::require;
    policy.restore = Restore::always;
    return policy;
}

Result<void> check(const Policy& policy) {
    if (policy.tries == 0) return Error{"tries: is 0: nothing would be upgraded"};
    if (policy.restore == Restore::always && policy.backup == Backup::skip)
        return Error{"restore: is always, and backup is skip: there would be nothing to restore"};
    for (const auto& a : kArrows) {
        if (a.step == Step::end) continue;
        const auto& rule = policy.rule(a.step);
        const auto at = [&](std::string_view what) {
            return Error{"steps." + std::string(a.name) + "." + std::string(what)};
        };
        if (rule.limit <= Duration{}) return at("limit_s: is not above 0");
        if (rule.pause < Duration{} || rule.pause > kPauseMax)
            return at("pause_s: is not from 0 to 3600");
        if (rule.attempts == 0) return at("attempts: is 0");
    }
    return success();
}

}  // namespace sluice::upgrade
