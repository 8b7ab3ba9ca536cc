#include "acs-plugin/upgrade/one_upgrade.hpp"

#include <algorithm>

#include "engine/base/overloaded.hpp"
#include "engine/image/sha256.hpp"
#include "engine/upgrade/form.hpp"

namespace sluice::upgrade::acs {
namespace {

constexpr std::size_t kMaxWords = 512;
constexpr std::size_t kTagCharacters = 8;

service::WallTime wall_of(Instant t) {
    return {std::chrono::duration_cast<std::chrono::milliseconds>(t.since_start).count()};
}

// A restore by hand has no image to go back to, and asks when it does not succeed.
service::SafeTerms terms_by_hand() {
    auto spec = std::make_shared<service::SafeSpec>();
    spec->policy.applies_at_once = true;
    spec->policy.needs_kept_image = false;
    spec->policy.rolls_back = false;
    spec->policy.restore = Restore::always;
    spec->policy.tries = 1;
    service::SafeTerms out;
    out.spec = std::move(spec);
    out.contact_limit = std::chrono::hours(24);
    out.patience = std::chrono::hours(24);
    return out;
}

service::SafeWord word(const service::SafePart& part, service::SafeWord::Kind kind) {
    service::SafeWord out;
    out.part = part;
    out.kind = kind;
    return out;
}

rollout::Reason reason_of(End end) {
    switch (end) {
        case End::unchanged:
            return rollout::Reason::unchanged;
        case End::rolled_back:
            return rollout::Reason::rolled_back;
        case End::abandoned:
            return rollout::Reason::abandoned;
        case End::none:
        case End::done:
            break;
    }
    return rollout::Reason::none;
}

}  // namespace

OneUpgrade::OneUpgrade(Hall& hall, service::SafePart part, service::SafeTerms terms, Memory memory)
    : hall_(hall),
      part_(std::move(part)),
      terms_(std::move(terms)),
      procedure_(terms_.spec->policy),
      memory_(std::move(memory)) {}

Result<std::unique_ptr<OneUpgrade>> OneUpgrade::restored(Hall& hall, const service::UpgradeRow& row,
                                                         const service::SafeTerms* terms) {
    SLUICE_TRY(const auto record, parse_record(row.record));
    SLUICE_TRY(auto memory, parse_memory(row.memory));
    auto out = std::make_unique<OneUpgrade>(hall, service::SafePart{row.identity, row.rollout},
                                            terms != nullptr ? *terms : terms_by_hand(),
                                            std::move(memory));
    out->procedure_ = Procedure(out->terms_.spec->policy, record);
    out->kept_at_ = row.at;
    out->is_awake_ = false;
    return out;
}

std::unique_ptr<OneUpgrade> OneUpgrade::of_restore(Hall& hall, const service::BackupRow& backup,
                                                   const service::DeviceRow* device,
                                                   service::WallTime now) {
    Memory memory;
    memory.backup = memory.restored = backup.id;
    memory.backup_digest = memory.restored_digest = to_hex(backup.sha256);
    if (device != nullptr) {
        memory.old_version = memory.version = device->report.software_version;
        memory.old_configuration = backup.config_version;
        if (!device->root.empty()) memory.root = device->root;
    }
    Record record;
    record.step = Step::restore;
    record.attempts = record.tries = 1;
    record.number = 1;
    record.is_open = record.can_back_up = record.has_backup = true;
    record.since = record.started = instant_of(now);
    auto out = std::make_unique<OneUpgrade>(hall, service::SafePart{backup.identity, {}},
                                            terms_by_hand(), std::move(memory));
    // Numbers of orders never come again: seconds of the clock are far enough apart.
    out->memory_.base = static_cast<std::uint32_t>(now.unix_ms / 1000);
    out->procedure_ = Procedure(out->terms_.spec->policy, record);
    out->is_awake_ = false;
    return out;
}

// --- the procedure ------------------------------------------------------------------------------

void OneUpgrade::start(const Heard& device, Turn& turn) {
    heard_ = device;
    memory_.old_version = device.version;
    handle(Start{}, turn);
}

// What was open when the process ended is said again: with the first thing that happens.
void OneUpgrade::wake(Turn& turn) {
    if (std::exchange(is_awake_, true) || is_over()) return;
    is_said_again_ = true;
    handle(Ended{}, turn);  // of no order: it changes nothing
    is_said_again_ = false;
}

void OneUpgrade::handle(const Event& event, Turn& turn) {
    Actions actions;
    procedure_.on(event, instant_of(turn.now), actions);
    std::optional<Do> next;
    bool is_changed = false;
    for (const auto& action : actions)
        std::visit(Overloaded{
                       [&](const Changed&) { is_changed = true; },
                       [&](const Do& what) { next = what; },
                       [&](const Drop&) { is_reading_ = false; },
                       [&](const Ask& what) { ask(what, turn); },
                       [&](const Over& over) { finish(over, turn); },
                   },
                   action);
    if (next) return begin(*next, turn);
    if (is_changed) keep(turn);
}

// `what` is open from now on. Said again after a restart it goes on where it was.
void OneUpgrade::begin(const Do& what, Turn& turn) {
    is_reading_ = false;
    const bool is_new = !is_said_again_;
    if (is_new) {
        memory_.stage = 0;
        memory_.is_taken = false;
    }
    // What an operator edited was for the try that asked.
    if (what.step == Step::transfer) {
        memory_.strays = 0;
        memory_.restored = memory_.backup;
        memory_.restored_digest = memory_.backup_digest;
    }
    // What ran at the server ended with it.
    if (is_new || way() == Way::server) memory_.given = {};
    keep(turn);
    switch (way()) {
        case Way::rollout:
            if (is_new || memory_.given.unix_ms == 0)
                hall_.say(word(part_, service::SafeWord::Kind::prepared));
            return;
        case Way::order:
            // With an image of its own the rollout's order is of no use either.
            if ((what.step == Step::roll_back && memory_.stage == 0) || what.step == Step::transfer)
                hall_.say(word(part_, service::SafeWord::Kind::retracted));
            if (!memory_.is_taken) hall_.call(part_.identity);
            return;
        case Way::server:
            return work(turn);
        case Way::look:
            // What it reported in this session may say it already.
            return judge_version(heard_, turn);
    }
}

void OneUpgrade::finish(const Over& over, Turn& turn) {
    is_reading_ = false;
    if (auto* vault = hall_.around().vault; vault != nullptr) {
        if (is_restore_by_hand()) vault->give_back(memory_.backup, turn.out);
        // Of a restore by hand, too: what the operator corrected.
        vault->release(part_.identity, part_.rollout, turn.out);
    }
    auto said = word(part_, service::SafeWord::Kind::concluded);
    said.reason = reason_of(over.end);
    // What became of another image says nothing of the rollout's.
    const bool is_other = memory_.version != terms_.version && !is_restore_by_hand();
    if (is_other && over.end == End::done) {
        said.reason = rollout::Reason::other_image;
        said.why = "runs " + memory_.version;
    } else if (said.reason != rollout::Reason::none) {
        // "while waiting for the new version: it did not end in the time set: …"
        if (memory_.failed != Step::end)
            said.why = "while " + std::string(arrow(memory_.failed).says) + ": ";
        said.why += describe(over.reason);
        if (!memory_.detail.empty()) said.why += ": " + memory_.detail;
        said.is_alarming = memory_.failed == Step::verify || over.reason == Reason::reverted ||
                           record().cause == Reason::reverted;
    }
    if (is_other) said.is_alarming = memory_.is_alarming;
    hall_.say(std::move(said));
}

void OneUpgrade::keep(Turn& turn) {
    kept_at_ = turn.now;
    turn.out.push_back(service::UpgradeRow{part_.identity, part_.rollout, to_json(record()),
                                           to_json(memory_), turn.now, is_over()});
}

void OneUpgrade::end(Outcome outcome, Reason reason, std::string detail, Turn& turn) {
    is_reading_ = false;
    if (detail.size() > kMaxWords) detail.resize(kMaxWords);
    const bool is_good = outcome == Outcome::done || outcome == Outcome::lost;
    if (!is_good) {
        // The roll-back's own troubles do not hide what it is for.
        if (!is_rolling_back(record().step)) memory_.failed = record().step;
        memory_.detail = std::move(detail);
    }
    handle(Ended{record().number, outcome, reason}, turn);
}

void OneUpgrade::fail(std::string detail, Turn& turn) {
    end(Outcome::failed, Reason::failure, std::move(detail), turn);
}
void OneUpgrade::refuse(std::string detail, Turn& turn) {
    end(Outcome::refused, Reason::refusal, std::move(detail), turn);
}

void OneUpgrade::go_to_stage(std::uint32_t stage, Turn& turn) {
    memory_.stage = stage;
    memory_.is_taken = false;
    memory_.given = {};
    keep(turn);
    hall_.call(part_.identity);
}

// --- questions ----------------------------------------------------------------------------------

OneUpgrade::Way OneUpgrade::way() const {
    switch (record().step) {
        case Step::transfer:
            return memory_.image.empty() ? Way::rollout : Way::order;
        case Step::verify:
        case Step::verify_roll_back:
            return Way::look;
        case Step::verify_backup:
            return Way::server;
        case Step::convert: {
            const auto* by = conversion();
            return by != nullptr && !by->device_program.empty() ? Way::order : Way::server;
        }
        case Step::verify_restore:
        case Step::verify_put_back:
            return terms_.spec->verify_restore == service::VerifyRestore::none ? Way::server
                                                                               : Way::order;
        default:
            return Way::order;
    }
}

// "safe-<8 hex of the part>-<number><stage>": ≤ 32 characters.
std::string OneUpgrade::command_key() const {
    image::Sha256 sum;
    sum.update(as_bytes(part_.identity));
    sum.update(as_bytes("\n"));
    sum.update(as_bytes(part_.rollout));
    return "safe-" + sum.finish().hex().substr(0, kTagCharacters) + "-" +
           std::to_string(last_number()) + static_cast<char>('a' + memory_.stage);
}

Instant OneUpgrade::deadline() const {
    if (is_over()) return Instant::never();
    if (!is_awake_) return Instant{};
    const auto next = procedure_.next_deadline();
    const bool is_read_here = way() == Way::server && record().step != Step::convert;
    if (!record().is_open || next == Instant::never() || is_read_here) return next;
    const auto limit = terms_.spec->policy.rule(record().step).limit;
    if (memory_.given.unix_ms != 0) return instant_of(memory_.given) + limit;
    const auto patience = way() == Way::rollout ? terms_.patience : terms_.contact_limit;
    return record().since + std::max(limit, patience);
}

bool OneUpgrade::waits_for_conversion() const {
    return !is_over() && record().is_open && record().step == Step::convert &&
           way() == Way::server && memory_.given.unix_ms == 0;
}

bool OneUpgrade::wants_contact() const {
    return !is_over() && record().is_open && way() == Way::order && !memory_.is_taken;
}

service::WallTime OneUpgrade::expires() const {
    const auto limit = terms_.spec->policy.rule(record().step).limit;
    return wall_of(record().since + terms_.contact_limit + limit + std::chrono::hours(1));
}

UpgradeView OneUpgrade::view() const {
    UpgradeView out;
    out.identity = part_.identity;
    out.rollout = part_.rollout;
    out.record = record();
    out.attempts = terms_.spec->policy.rule(arrow(record().step).again).attempts;
    out.tries = terms_.spec->policy.tries;
    out.from_version = memory_.old_version;
    out.version = memory_.version;
    out.image = memory_.image;
    out.detail = waits_for_conversion() ? "waits until other conversions are done" : memory_.detail;
    out.backup = memory_.backup;
    out.is_waiting_for_contact = wants_contact();
    out.at = kept_at_;
    return out;
}

}  // namespace sluice::upgrade::acs
