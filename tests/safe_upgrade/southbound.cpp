#include "tests/safe_upgrade/southbound.hpp"

#include <algorithm>

namespace sluice::upgrade {
namespace {

Ended ended(const Do& what, Outcome outcome, Reason reason = Reason::failure) {
    return {what.number, outcome, reason};
}
Ended ended_if(const Do& what, bool is_done) {
    return ended(what, is_done ? Outcome::done : Outcome::failed);
}

}  // namespace

bool is_at_server(Step step) {
    return step == Step::verify_backup || step == Step::convert;
}

Ended do_at_server(const Parts& parts, const Do& what) {
    const auto backup = parts.keeper.load("backup");
    if (!backup) return ended(what, Outcome::failed);
    if (what.step == Step::verify_backup) {
        const auto announced = parts.keeper.load("backup.sum");
        const auto sum = image::sha256(backup.value());
        return ended_if(what, announced && std::ranges::equal(announced.value(), sum.bytes));
    }
    if (parts.rng.uniform() < parts.world.failing_step) return ended(what, Outcome::failed);
    auto converted = backup.value();
    converted[0] = '2';
    return ended_if(what, parts.keeper.keep("converted", converted).has_value());
}

Result<void> take_backup(const Parts& parts, Bytes bytes) {
    const auto sum = image::sha256(bytes);
    SLUICE_CHECK(parts.keeper.keep("backup.sum", sum.bytes));
    if (parts.rng.uniform() < parts.world.rotten_backup) bytes.back() ^= 1;
    return parts.keeper.keep("backup", bytes);
}

Result<Bytes> to_be_restored(const Parts& parts, Step step) {
    return parts.keeper.load(step == Step::restore && parts.policy.converts ? "converted"
                                                                            : "backup");
}

bool is_look(Step step) {
    return step == Step::precheck || step == Step::verify || step == Step::compare ||
           step == Step::verify_restore || step == Step::verify_roll_back ||
           step == Step::verify_put_back;
}

Event judge_look(const Parts& parts, const Do& what) {
    auto& box = parts.box;
    const auto holds = [&](Step sent) {
        const auto wanted = to_be_restored(parts, sent);
        const auto held = box.read();
        return wanted && held && wanted.value() == held.value();
    };
    switch (what.step) {
        case Step::precheck:
            return Found{what.number, box.runs(parts.keeper.image()) && box.is_healthy(), true,
                         true};
        case Step::verify:
            if (!box.runs_new()) return ended(what, Outcome::reverted, Reason::reverted);
            return ended_if(what, box.runs(parts.keeper.image()) && box.is_healthy());
        case Step::compare:
            return ended(what, box.users() == "users=7" ? Outcome::done : Outcome::lost);
        case Step::verify_restore:
            return ended_if(what, holds(Step::restore));
        case Step::verify_roll_back:
            return ended_if(what, !box.runs_new() && box.is_healthy());
        default:
            return ended_if(what, holds(Step::put_back));
    }
}

}  // namespace sluice::upgrade
