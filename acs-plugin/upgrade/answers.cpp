// The operator: what an upgrade asks, and what becomes of the answer.

#include "acs-plugin/upgrade/one_upgrade.hpp"
#include "engine/image/sha256.hpp"

namespace sluice::upgrade::acs {
namespace {

constexpr std::string_view kWords[] = {"accept", "decline", "correct", "cancel"};

}  // namespace

void OneUpgrade::ask(const Ask& what, Turn& turn) {
    service::EventRow event;
    event.at = turn.now;
    event.kind = "upgrade.question";
    event.who = "planner";
    event.identity = part_.identity;
    event.rollout = part_.rollout;
    event.to = name_of(what.step);
    event.why =
        std::string(describe(what.reason)) + (memory_.detail.empty() ? "" : ": " + memory_.detail);
    turn.out.push_back(std::move(event));
}

Result<void> OneUpgrade::on_answer(const Answer& answer, const std::string& who, Turn& turn) {
    wake(turn);
    const auto question = record().question;
    if (is_over()) return Error{"the upgrade of " + part_.identity + " is over"};
    const bool is_for_question = answer.kind != Answer::Kind::cancel;
    if (is_for_question && question == Step::end)
        return Error{"the upgrade of " + part_.identity + " asks nothing"};
    if (answer.step && *answer.step != question)
        return Error{"step: the question is about " + std::string(name_of(question)) + ", not " +
                     std::string(name_of(*answer.step))};
    if (answer.kind == Answer::Kind::correct) SLUICE_CHECK(correct(answer, turn));
    service::EventRow event;
    event.at = turn.now;
    event.kind = "upgrade.answered";
    event.who = who;
    event.identity = part_.identity;
    event.rollout = part_.rollout;
    event.from = question == Step::end ? "" : name_of(question);
    event.to = kWords[static_cast<std::size_t>(answer.kind)];
    if (!answer.image.empty()) event.why = "image " + memory_.image + ", " + memory_.version;
    turn.out.push_back(std::move(event));
    switch (answer.kind) {
        case Answer::Kind::accept:
            memory_.strays = 0;
            handle(Accepted{question}, turn);
            break;
        case Answer::Kind::decline:
            handle(Declined{question}, turn);
            break;
        case Answer::Kind::correct:
            handle(Corrected{question}, turn);
            break;
        case Answer::Kind::cancel:
            handle(CalledOff{}, turn);
            break;
    }
    return success();
}

Result<void> OneUpgrade::correct(const Answer& answer, Turn& turn) {
    const auto question = record().question;
    const bool is_image = !answer.image.empty();
    const bool is_of_use = is_image ? takes_image(question) : takes_configuration(question);
    if (!is_of_use)
        return Error{std::string("correct: ") + (is_image ? "another image" : "a configuration") +
                     " is of no use while " + std::string(arrow(question).says)};
    return is_image ? correct_image(answer.image) : correct_configuration(answer, turn);
}

Result<void> OneUpgrade::correct_configuration(const Answer& answer, Turn& turn) {
    auto* vault = hall_.around().vault;
    if (vault == nullptr) return Error{"no backups are kept here"};
    SLUICE_TRY(memory_.restored, vault->keep(part_.identity, part_.rollout, last_number(),
                                             answer.configuration, turn.out));
    image::Sha256 sum;
    sum.update(answer.configuration);
    memory_.restored_digest = sum.finish().hex();
    return success();
}

// What runs when it is installed is what ran before all this: a roll-back comes first where it is
// needed.
Result<void> OneUpgrade::correct_image(const std::string& id_or_name) {
    SLUICE_TRY(auto image, hall_.find_image(part_, id_or_name, memory_.old_version));
    if (memory_.image.empty())
        memory_.is_alarming = memory_.failed == Step::verify || record().cause == Reason::reverted;
    memory_.image = std::move(image.id);
    memory_.version = std::move(image.version);
    return success();
}

// The rollout is cancelled. Who runs the new image gets his configuration all the same; who goes
// back does not try again.
void OneUpgrade::call_off_before_install(Turn& turn) {
    wake(turn);
    if (is_over()) return;
    if (record().step <= Step::transfer) return handle(CalledOff{}, turn);
    handle(LastTry{}, turn);
}

}  // namespace sluice::upgrade::acs
