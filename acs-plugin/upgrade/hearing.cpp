// What the device says and does not say, and what that means to its upgrade.

#include <algorithm>

#include "acs-plugin/upgrade/one_upgrade.hpp"
#include "engine/rollout/policy.hpp"

namespace sluice::upgrade::acs {

void OneUpgrade::on_contact(const Heard& heard, Turn& turn) {
    const auto before = heard_;
    heard_ = heard;
    if (heard.version.empty()) heard_.version = before.version;
    if (heard.is_boot) memory_.booted = turn.now;
    memory_.is_cancel_out = false;
    wake(turn);
    if (is_over() || !record().is_open) return;
    const bool is_looking = way() == Way::look;
    if (is_looking && memory_.given.unix_ms == 0) {
        memory_.given = turn.now;
        keep(turn);
    }
    const auto step = record().step;
    if (step == Step::transfer) {
        // The device's own word on the transfer may be lost; what it runs is not.
        if (heard_.version == memory_.version && heard_.version != memory_.old_version) {
            memory_.applied = turn.now;
            succeed(turn);
        } else if (!memory_.image.empty() && runs_another_image()) {
            go_astray(turn);
        }
        return;
    }
    const bool is_put_back = step == Step::put_back || step == Step::verify_put_back;
    if (is_put_back && runs_another_image()) return go_astray(turn);
    if (is_looking) return judge_version(heard_, turn);
    const bool has_left = step >= Step::compare && step <= Step::verify_restore &&
                          !is_restore_by_hand() && heard_.version == memory_.old_version &&
                          memory_.old_version != memory_.version;
    if (has_left)
        end(Outcome::reverted, Reason::reverted, "it runs " + heard_.version + " again", turn);
}

// An order that was to be taken back was carried out all the same.
bool OneUpgrade::runs_another_image() const {
    return !heard_.version.empty() && heard_.version != memory_.old_version;
}

// A device that never stays on the image that it was brought back to: the operator's business.
void OneUpgrade::go_astray(Turn& turn) {
    if (is_rolling_back(record().step) &&
        memory_.strays++ >= terms_.spec->policy.rule(Step::roll_back).attempts)
        return fail("it runs " + heard_.version + " again", turn);
    end(Outcome::astray, Reason::failure, "it runs " + heard_.version + ", which nobody waits for",
        turn);
}

// The order that is open leaves.
void OneUpgrade::set_given(Turn& turn) {
    // A boot of before says nothing of what comes of this order.
    if (record().step == Step::transfer && memory_.given.unix_ms == 0) memory_.booted = {};
    memory_.given = turn.now;
    keep(turn);
}

void OneUpgrade::on_order_given(Turn& turn) {
    if (is_over() || !record().is_open || record().step != Step::transfer) return;
    set_given(turn);
}

void OneUpgrade::on_attempt(const service::SafeAttempt& attempt, Turn& turn) {
    wake(turn);
    // Of the rollout's image, when another one was chosen: of no use any more.
    if (is_over() || !record().is_open || !memory_.image.empty()) return;
    // Told after the device was seen on the new image: it left it again.
    if (record().step == Step::verify && attempt.fault != 0)
        return end(Outcome::reverted, Reason::reverted, attempt.why, turn);
    if (record().step != Step::transfer) return;
    if (attempt.has_fallen_back) return end(Outcome::reverted, Reason::reverted, attempt.why, turn);
    if (attempt.fault != 0) return on_fault(attempt.fault, attempt.why, turn);
    memory_.applied = turn.now;
    succeed(turn);
}

std::optional<service::DeviceOrder> OneUpgrade::next_order(bool is_stopped, Turn& turn) {
    wake(turn);
    if (auto cancel = take_back(turn)) return cancel;
    if (is_over() || !record().is_open || way() != Way::order || memory_.is_taken)
        return std::nullopt;
    // What did not begin on the device waits; what did goes on to its end, and so does what an
    // operator said about this device alone.
    const bool may_wait = record().step <= Step::transfer && memory_.image.empty();
    if (is_stopped && may_wait) return std::nullopt;
    auto made = make_order();
    if (!made.has_value()) {
        fail(made.error().message, turn);
        return std::nullopt;
    }
    if (record().step == Step::transfer) {
        memory_.image_order = command_key();
        memory_.refused = {};
    }
    if (memory_.given.unix_ms == 0) set_given(turn);
    return std::move(made.value());
}

bool OneUpgrade::is_to_be_taken_back(std::string_view key) const {
    const bool is_open = record().is_open && record().step == Step::transfer;
    return !is_over() && !key.empty() && key == memory_.image_order &&
           memory_.refused.unix_ms == 0 && !(is_open && key == command_key());
}

// Plain CPEs hardly know CancelTransfer, and have one transfer at a time.
std::optional<service::DeviceOrder> OneUpgrade::take_back(Turn& turn) {
    if (!is_to_be_taken_back(memory_.image_order)) return std::nullopt;
    memory_.is_cancel_out = is_agent();
    if (memory_.is_cancel_out) {
        keep(turn);
        return service::DeviceOrder(service::CancelOrder{memory_.image_order});
    }
    on_order_over(std::string(memory_.image_order), 0, turn);
    return std::nullopt;
}

void OneUpgrade::on_order_over(std::string_view key, std::uint32_t fault, Turn& turn) {
    if (key.empty() || key != memory_.image_order) return;
    // Applied after all: it runs now, or with the next boot.
    if (memory_.refused.unix_ms != 0 && fault == 0) return;
    memory_.image_order.clear();
    memory_.refused = {};
    memory_.is_cancel_out = false;
    keep(turn);
}

void OneUpgrade::on_order_answer(const service::OrderAnswer& answer, Turn& turn) {
    wake(turn);
    if (memory_.is_cancel_out && answer.command_key == memory_.image_order) {
        if (answer.fault == 0) return on_order_over(answer.command_key, 0, turn);
        // Too late, or there is none: the device says the same of both.
        memory_.is_cancel_out = false;
        memory_.refused = turn.now;
        return keep(turn);
    }
    if (is_over() || !record().is_open || answer.command_key != command_key()) return;
    if (answer.fault != 0)
        return on_fault(
            answer.fault,
            "fault " + std::to_string(answer.fault) + (answer.why.empty() ? "" : ": " + answer.why),
            turn);
    memory_.is_taken = true;
    if (answer.is_done) return on_done(answer, turn);
    keep(turn);
}

bool OneUpgrade::is_agent() const {
    const auto& device = hall_.around().device;
    const auto* row = device ? device(part_.identity) : nullptr;
    return row != nullptr && row->report.kind == inventory::DeviceKind::agent;
}

// An agent that started the new image, and left it, says so when it is back.
bool OneUpgrade::tells_fall_back(std::uint32_t fault) const {
    return record().step == Step::transfer && fault == rollout::kAnythingElse && is_agent() &&
           memory_.booted.unix_ms != 0;
}

void OneUpgrade::on_transfer_complete(std::uint32_t fault, std::string_view why, Turn& turn) {
    wake(turn);
    if (is_over() || !record().is_open) return;
    memory_.is_taken = true;
    if (fault == 0) return on_transferred(turn);
    auto said = "fault " + std::to_string(fault) + (why.empty() ? "" : ": " + std::string(why));
    if (tells_fall_back(fault))
        return end(Outcome::reverted, Reason::reverted, std::move(said), turn);
    on_fault(fault, said, turn);
}

void OneUpgrade::on_time(Turn& turn) {
    wake(turn);
    if (is_over() || instant_of(turn.now) < deadline()) return;
    // Its word on the upload was lost, and the file is here.
    if (record().is_open && record().step == Step::back_up && take_stored(turn))
        return succeed(turn);
    if (record().is_open && !is_rolling_back(record().step)) memory_.failed = record().step;
    if (waits_for_conversion())
        memory_.detail = "other conversions took all the time that it had";
    else if (record().is_open && memory_.given.unix_ms == 0 && way() != Way::server)
        memory_.detail = "the device did not come";
    handle(Tick{}, turn);
}

}  // namespace sluice::upgrade::acs
