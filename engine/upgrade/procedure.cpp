#include "engine/upgrade/procedure.hpp"

#include <algorithm>

namespace sluice::upgrade {

namespace {

bool says_again(const Actions& out, std::size_t from, const Record& is) {
    return std::any_of(out.begin() + static_cast<std::ptrdiff_t>(from), out.end(),
                       [&](const Action& action) {
                           const auto* what = std::get_if<Do>(&action);
                           return std::holds_alternative<Ask>(action) ||
                                  (what != nullptr && what->number == is.number);
                       });
}

Duration pause_before(const Rule& rule, std::uint16_t attempts) {
    auto wait = rule.pause;
    for (std::uint16_t i = 1; i < attempts && wait < kPauseMax; ++i) wait *= 2;
    return std::min(wait, kPauseMax);
}

}  // namespace

void Procedure::on(const Event& event, Instant now, Actions& out) {
    const auto from = out.size();
    if (!is_over() && (is_.number > 0 || std::holds_alternative<Start>(event)))
        std::visit([&](const auto& what) { handle(what, now, out); }, event);
    if (must_say_again_ && !says_again(out, from, is_)) say_again(out);
    must_say_again_ = false;
}

void Procedure::handle(const Start&, Instant now, Actions& out) {
    if (is_.number > 0) return;
    is_.started = now;
    is_.tries = 1;
    enter(Step::precheck, now, out);
}

void Procedure::handle(const Found& found, Instant now, Actions& out) {
    if (!is_.is_open || found.number != is_.number || is_.step != Step::precheck) return;
    is_.is_open = false;
    is_.can_back_up = found.can_back_up;
    if (found.is_target) return finish(End::done, Reason::already_there, now, out);
    if (policy_.needs_kept_image && !found.keeps_image)
        return finish(End::unchanged, Reason::no_kept_image, now, out);
    if (policy_.backup == Backup::require && !found.can_back_up)
        return finish(End::unchanged, Reason::no_backup, now, out);
    go_on_to(arrow(Step::precheck).next, now, out);
}

void Procedure::handle(const Ended& ended, Instant now, Actions& out) {
    if (!is_.is_open || ended.number != is_.number) return;
    is_.is_open = false;
    const bool is_success = is_.step != Step::precheck &&
                            (ended.outcome == Outcome::done ||
                             (ended.outcome == Outcome::lost && is_.step == Step::compare) ||
                             (ended.outcome == Outcome::reverted && is_rolling_back(is_.step)));
    if (is_success) return succeed(ended.outcome, now, out);
    if (ended.outcome == Outcome::reverted && is_.is_touched) {
        is_.reason = is_.cause = Reason::reverted;
        return enter(Step::verify_roll_back, now, out);
    }
    if (ended.outcome == Outcome::astray && is_.is_touched) {
        is_.reason = ended.reason;
        if (!is_rolling_back(is_.step)) is_.cause = ended.reason;
        return enter(Step::roll_back, now, out);
    }
    fail(ended.reason, ended.outcome != Outcome::refused, now, out);
}

void Procedure::handle(const Accepted& answer, Instant now, Actions& out) {
    if (is_.question == Step::end || answer.step != is_.question) return;
    const auto again = arrow(is_.question).again;
    // What could not be restored may have been converted wrongly: the rules can be other ones now.
    enter(again == Step::restore && is_needed(Step::convert) ? Step::convert : again, now, out);
}

void Procedure::handle(const Declined& answer, Instant now, Actions& out) {
    if (is_.question == Step::end || answer.step != is_.question) return;
    if (is_rolling_back(is_.step)) return finish(End::abandoned, Reason::declined, now, out);
    is_.is_called_off = true;
    give_up(Reason::declined, now, out);
}

void Procedure::handle(const Corrected& answer, Instant now, Actions& out) {
    if (is_.question == Step::end || answer.step != is_.question) return;
    auto to = arrow(is_.question).corrected;
    if (takes_configuration(is_.question)) is_.is_corrected = true;
    if (takes_image(is_.question)) {
        // Another image is a new upgrade, and goes where the one before may lie already: what runs
        // when it is installed is what ran before all this.
        if (is_.is_touched) to = Step::roll_back;
        is_.tries = to == Step::roll_back ? 0 : 1;
        if (to == Step::roll_back) is_.cause = is_.reason;
    }
    enter(to, now, out);
}

void Procedure::handle(const CalledOff&, Instant now, Actions& out) {
    is_.is_called_off = true;
    if (is_rolling_back(is_.step)) {
        out.push_back(Changed{});
        return;
    }
    drop_open(out);
    give_up(Reason::called_off, now, out);
}

void Procedure::handle(const LastTry&, Instant, Actions& out) {
    is_.tries = std::max(is_.tries, policy_.tries);
    out.push_back(Changed{});
}

void Procedure::handle(const Tick&, Instant now, Actions& out) {
    if (now < next_deadline()) return;
    if (!is_.is_open) {
        is_.since = now;
        return begin(out);
    }
    drop_open(out);
    fail(Reason::no_end, true, now, out);
}

Instant Procedure::next_deadline() const {
    if (is_over() || is_.number == 0 || is_.question != Step::end) return Instant::never();
    return is_.is_open ? is_.since + policy_.rule(is_.step).limit : is_.not_before;
}

// --- what is needed -----------------------------------------------------------------------------

bool Procedure::wants_backup() const {
    return policy_.backup != Backup::skip && is_.can_back_up && !is_.has_backup;
}

bool Procedure::is_needed(Step step) const {
    const bool restores = is_.has_backup && policy_.restore != Restore::never;
    switch (step) {
        case Step::back_up:
        case Step::verify_backup:
            return wants_backup();
        case Step::install:
            return !policy_.applies_at_once;
        case Step::reset:
            return !policy_.applies_at_once && policy_.resets_apart;
        case Step::compare:
            return restores && policy_.restore == Restore::if_lost;
        case Step::convert:
            return restores && policy_.converts && !is_.is_corrected;
        case Step::restore:
        case Step::verify_restore:
            return restores;
        case Step::put_back:
        case Step::verify_put_back:
            return restores && is_.is_touched;
        case Step::precheck:
        case Step::transfer:
        case Step::verify:
        case Step::roll_back:
        case Step::verify_roll_back:
        case Step::end:
            return true;
    }
    return true;
}

// --- arrows -------------------------------------------------------------------------------------

void Procedure::succeed(Outcome outcome, Instant now, Actions& out) {
    if (is_.step == Step::verify_backup) is_.has_backup = true;
    is_.reason = Reason::none;
    go_on_to(outcome == Outcome::lost ? Step::convert : arrow(is_.step).next, now, out);
}

// The next step that is needed. One that is not is passed over in the order of the table: whoever
// does not compare goes on to the restore, not to the end.
void Procedure::go_on_to(Step step, Instant now, Actions& out) {
    const bool was_rolling_back = is_rolling_back(is_.step);
    while (step != Step::end && !is_needed(step))
        step = step == Step::verify_restore ? Step::end
                                            : static_cast<Step>(static_cast<int>(step) + 1);
    if (step != Step::end) return enter(step, now, out);
    if (was_rolling_back) return after_roll_back(now, out);
    finish(End::done, Reason::none, now, out);
}

void Procedure::after_roll_back(Instant now, Actions& out) {
    // What was refused is so every time, but for an image that is another one (Corrected).
    const bool is_spent =
        is_.tries >= policy_.tries || (is_.tries > 0 && is_.cause == Reason::refusal);
    if (is_.is_called_off || is_spent) return finish(End::rolled_back, is_.cause, now, out);
    ++is_.tries;
    is_.is_touched = is_.is_corrected = false;
    is_.step = Step::transfer;
    is_.attempts = 0;
    repeat(Step::transfer, policy_.rule(Step::transfer).pause, now, out);
}

void Procedure::fail(Reason reason, bool is_worth_repeating, Instant now, Actions& out) {
    is_.reason = reason;
    const auto again = arrow(is_.step).again;
    const auto& rule = policy_.rule(again);
    if (is_worth_repeating && is_.attempts < rule.attempts)
        return repeat(again, pause_before(rule, is_.attempts), now, out);
    if (rule.asks || is_rolling_back(again)) return ask(now, out);
    give_up(reason, now, out);
}

void Procedure::give_up(Reason reason, Instant now, Actions& out) {
    const auto step = is_.step;
    is_.reason = reason;
    if (!is_.is_called_off && arrow(step).again == Step::back_up &&
        policy_.backup == Backup::attempt)
        return enter(Step::transfer, now, out);
    if (!is_.is_called_off && step == Step::compare)  // cannot be judged: taken for lost
        return go_on_to(arrow(step).given_up, now, out);
    if (!is_.is_touched || !policy_.rolls_back)
        return finish(is_.cause == Reason::none ? End::unchanged : End::rolled_back, reason, now,
                      out);
    is_.cause = reason;
    enter(Step::roll_back, now, out);
}

// --- one step -----------------------------------------------------------------------------------

void Procedure::enter(Step step, Instant now, Actions& out) {
    // What only looks goes with the attempts of what it looks at.
    const bool is_look = arrow(step).again != step && arrow(step).again == is_.step;
    is_.step = step;
    is_.question = Step::end;
    if (!is_look) is_.attempts = 1;
    is_.since = now;
    begin(out);
}

void Procedure::repeat(Step step, Duration pause, Instant now, Actions& out) {
    is_.step = step;
    is_.question = Step::end;
    ++is_.attempts;
    is_.not_before = now + pause;
    out.push_back(Changed{});
}

void Procedure::begin(Actions& out) {
    const auto first_touch = policy_.applies_at_once ? Step::transfer : Step::install;
    is_.is_touched = is_.is_touched || is_.step >= first_touch;
    is_.is_open = true;
    ++is_.number;
    out.push_back(Changed{});
    out.push_back(Do{is_.step, is_.number, is_.attempts});
}

void Procedure::ask(Instant now, Actions& out) {
    is_.question = is_.step;
    is_.since = now;
    out.push_back(Changed{});
    out.push_back(Ask{is_.step, is_.reason});
}

void Procedure::drop_open(Actions& out) {
    if (is_.is_open) out.push_back(Drop{is_.number});
    is_.is_open = false;
}

void Procedure::finish(End end, Reason reason, Instant now, Actions& out) {
    is_.step = is_.question = Step::end;
    is_.end = end;
    is_.reason = reason;
    is_.ended = now;
    out.push_back(Changed{});
    out.push_back(Over{end, reason});
}

void Procedure::say_again(Actions& out) {
    if (is_over())
        out.push_back(Over{is_.end, is_.reason});
    else if (is_.question != Step::end)
        out.push_back(Ask{is_.question, is_.reason});
    else if (is_.is_open)
        out.push_back(Do{is_.step, is_.number, is_.attempts});
}

}  // namespace sluice::upgrade
