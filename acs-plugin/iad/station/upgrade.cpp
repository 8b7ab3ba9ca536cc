#include "acs-plugin/iad/station/upgrade.hpp"

#include <filesystem>

#include "acs-plugin/iad/files.hpp"
#include "engine/base/overloaded.hpp"
#include "engine/net/log.hpp"

namespace sluice::iad {

using upgrade::Do;
using upgrade::Reason;
using upgrade::Step;

namespace {

constexpr std::size_t kMaxConfiguration = 4 * 1024 * 1024;

upgrade::Outcome outcome_of(State state) {
    return state == State::done      ? upgrade::Outcome::done
           : state == State::refused ? upgrade::Outcome::refused
                                     : upgrade::Outcome::failed;
}

MoverLimits small_files() {
    return {.time = std::chrono::minutes(1),
            .stall = std::chrono::seconds(10),
            .bytes = kMaxConfiguration};
}

}  // namespace

Result<std::unique_ptr<Upgrade>> Upgrade::open(UpgradeOptions options, Peer& peer, Instant now) {
    std::error_code ignored;
    std::filesystem::create_directories(options.folder, ignored);
    std::unique_ptr<Upgrade> out(new Upgrade(std::move(options), peer));
    SLUICE_CHECK(out->restore(now));
    return out;
}

// --- the machine --------------------------------------------------------------------------------

void Upgrade::handle(const upgrade::Event& event, Instant now) {
    upgrade::Actions actions;
    procedure_.on(event, now, actions);
    for (const auto& action : actions) {
        const bool goes_on =
            std::visit(Overloaded{
                           [&](const upgrade::Changed&) {
                               // Nothing follows from what is not kept: the next tick says it
                               // again.
                               const auto kept = keep();
                               if (!kept.has_value())
                                   net::log(net::LogLevel::error, kept.error().message);
                               return kept.has_value();
                           },
                           [&](const Do& what) {
                               begin(what, now);
                               return true;
                           },
                           [&](const upgrade::Drop&) {
                               waiting_.reset();
                               return true;
                           },
                           [&](const upgrade::Ask&) {
                               waiting_.reset();
                               return true;
                           },
                           [&](const upgrade::Over&) {
                               waiting_.reset();
                               return true;
                           },
                       },
                       action);
        if (!goes_on) return;
    }
}

void Upgrade::begin(const Do& what, Instant now) {
    progress_ = 0;
    // What an operator edited was for the try that asked.
    if (what.step == Step::transfer) {
        memory_.restored = memory_.backup;
        memory_.restored_length = memory_.backup_length;
        memory_.restored_digest = memory_.backup_digest;
    }
    waiting_ = Waiting{what, 0, false, now, {}};
}

void Upgrade::end(upgrade::Outcome outcome, Reason reason, std::string detail, Instant now) {
    const auto number = waiting_->what.number;
    waiting_.reset();
    if (!detail.empty()) detail_ = std::move(detail);
    handle(upgrade::Ended{number, outcome, reason}, now);
}

void Upgrade::fail(const Error& error, Instant now) {
    end(upgrade::Outcome::failed, Reason::failure, error.message, now);
}

void Upgrade::on_time(Instant now) {
    if (is_over()) return;
    if (now >= procedure_.next_deadline()) handle(upgrade::Tick{}, now);
    go_on(now);
}

void Upgrade::go_on(Instant now) {
    if (!waiting_ || now < waiting_->next_poll) return;
    waiting_->next_poll = now + options_.poll;
    switch (waiting_->what.step) {
        case Step::install:  // came with the transfer
            return end(upgrade::Outcome::done, Reason::none, {}, now);
        case Step::verify_backup: {
            const auto read = fetch_backup();
            if (!read.has_value())
                return end(upgrade::Outcome::failed, Reason::not_the_same, read.error().message,
                           now);
            return end(upgrade::Outcome::done, Reason::none, {}, now);
        }
        case Step::convert: {
            const auto* by = conversion::conversion_for(options_.conversions, memory_.old_version,
                                                        options_.version);
            if (by == nullptr) return fail(Error{"no conversion fits these versions"}, now);
            if (!by->device_program.empty()) return give_order(now);
            const auto done = convert_here(now);
            return done.has_value() ? end(upgrade::Outcome::done, Reason::none, {}, now)
                                    : fail(done.error(), now);
        }
        case Step::back_up:
        case Step::transfer:
        case Step::reset:
        case Step::restore:
        case Step::roll_back:
        case Step::put_back:
            return give_order(now);
        case Step::precheck:
        case Step::verify:
        case Step::compare:
        case Step::verify_restore:
        case Step::verify_roll_back:
        case Step::verify_put_back:
            return look(now);
        case Step::end:
            return;
    }
}

// --- orders -------------------------------------------------------------------------------------

std::optional<Order> Upgrade::order_for(const Do& what) const {
    Order order;
    order.number = order_number(what);
    const auto with = [&](Command command, const std::string& file, std::uint32_t length,
                          const Bytes& digest) {
        order.command = command;
        order.file = file.empty() ? file : options_.device_server.directory + file;
        order.length = length;
        order.digest = digest;
        return order;
    };
    switch (what.step) {
        case Step::back_up:
            return with(Command::backup, memory_.backup, 0, {});
        case Step::transfer:
            return with(Command::upgrade, options_.image, options_.image_length,
                        options_.image_digest);
        case Step::reset:
            return with(Command::reset, {}, 0, {});
        case Step::roll_back:
            return with(Command::roll_back, {}, 0, {});
        case Step::restore:
            return with(Command::restore, memory_.restored, memory_.restored_length,
                        memory_.restored_digest);
        case Step::put_back:
            return with(Command::restore, memory_.backup, memory_.backup_length,
                        memory_.backup_digest);
        case Step::convert: {
            const auto* by = conversion::conversion_for(options_.conversions, memory_.old_version,
                                                        options_.version);
            order.program = by == nullptr ? "" : by->device_program;
            order.source = options_.device_server.directory + memory_.backup;
            return with(Command::convert, memory_.backup + ".converted", 0, {});
        }
        default:
            return std::nullopt;
    }
}

void Upgrade::give_order(Instant now) {
    auto& waiting = *waiting_;
    if (!waiting.is_given) {
        const auto order = order_for(waiting.what);
        waiting.order = order->number;
        const auto given = peer_.give(options_.device_server, *order);
        // It may have arrived all the same: the outcome says whether it did.
        waiting.is_given = given.has_value();
        if (!given.has_value()) detail_ = given.error().message;
    }
    if (const auto outcome = peer_.outcome(); outcome.has_value()) judge(outcome.value(), now);
}

void Upgrade::judge(const Outcome& outcome, Instant now) {
    if (!waiting_ || waiting_->order == 0) return;
    if (outcome.number != waiting_->order) {
        ++stale_;
        return;
    }
    waiting_->is_given = true;
    progress_ = outcome.progress;
    if (!is_end(outcome.state)) return;
    const auto step = waiting_->what.step;
    if (outcome.state == State::done && step == Step::back_up) {
        memory_.backup_length = outcome.length;
        memory_.backup_digest = outcome.digest;
    }
    if (outcome.state == State::done && step == Step::convert) {
        memory_.restored = memory_.backup + ".converted";
        memory_.restored_length = outcome.length;
        memory_.restored_digest = outcome.digest;
    }
    end(outcome_of(outcome.state),
        outcome.state == State::refused ? Reason::refusal : Reason::failure, outcome.reason, now);
}

// --- looking ------------------------------------------------------------------------------------

void Upgrade::look(Instant now) {
    const auto facts = peer_.facts();
    if (!facts.has_value()) {
        detail_ = facts.error().message;
        return;  // the step's limit judges
    }
    judge(facts.value(), now);
}

void Upgrade::judge(const Facts& facts, Instant now) {
    const auto number = waiting_->what.number;
    const bool holds_backup = facts.configuration == memory_.backup_digest;
    const auto compare = [&](bool is_right) {
        if (is_right) return end(upgrade::Outcome::done, Reason::none, {}, now);
        if (now - procedure_.record().since < options_.settle) return;  // it may be about to
        end(upgrade::Outcome::failed, Reason::not_the_same,
            "the configuration is not the one that was sent", now);
    };
    switch (waiting_->what.step) {
        case Step::precheck:
            if (facts.version.empty()) return;  // it has only just started
            memory_.old_version = facts.version;
            waiting_.reset();
            return handle(
                upgrade::Found{number, facts.version == options_.version && facts.is_healthy,
                               !facts.configuration.empty(), facts.keeps_image},
                now);
        case Step::compare:
            return end(holds_backup ? upgrade::Outcome::done : upgrade::Outcome::lost, Reason::none,
                       {}, now);
        case Step::verify_restore:
            return compare(facts.configuration == memory_.restored_digest);
        case Step::verify_put_back:
            return compare(holds_backup);
        default:
            return judge_version(facts, now);
    }
}

void Upgrade::judge_version(const Facts& facts, Instant now) {
    const bool is_back = waiting_->what.step == Step::verify_roll_back;
    const auto& wanted = is_back ? memory_.old_version : options_.version;
    if (facts.version == wanted && facts.is_healthy)
        return end(upgrade::Outcome::done, Reason::none, {}, now);
    if (is_back || facts.version != memory_.old_version) return;
    if (waiting_->since_old == Instant{}) waiting_->since_old = now;
    if (now - waiting_->since_old >= options_.settle)
        end(upgrade::Outcome::reverted, Reason::reverted,
            "runs " + facts.version + ", not " + options_.version, now);
}

void Upgrade::on_heard(const Heard& heard, Instant now) {
    if (heard.notice == Notice::started || !waiting_ || waiting_->order == 0) return;
    if (heard.outcome.number == waiting_->order && !is_end(heard.outcome.state) &&
        heard.outcome.progress < progress_) {
        ++stale_;
        return;
    }
    judge(heard.outcome, now);
}

// --- files --------------------------------------------------------------------------------------

Result<void> Upgrade::offer(const std::string& name, ByteView bytes) {
    SLUICE_TRY(const auto file, MemoryFile::make(bytes));
    return Mover(small_files(), [](std::uint32_t) { return true; })
        .send(options_.our_server, name, file.path());
}

Result<void> Upgrade::prepare(const std::string& name, ByteView bytes) {
    SLUICE_CHECK(cabinet_.keep(name, bytes));
    SLUICE_CHECK(offer(name, bytes));
    memory_.restored = name;
    memory_.restored_length = static_cast<std::uint32_t>(bytes.size());
    memory_.restored_digest = digest_of(bytes);
    return success();
}

// Read back from where the device put it, and kept here: what we would restore is what we hold.
Result<void> Upgrade::fetch_backup() {
    SLUICE_TRY(const auto file, MemoryFile::make());
    SLUICE_CHECK(Mover(small_files(), [](std::uint32_t) {
                     return true;
                 }).fetch(options_.our_server, memory_.backup, memory_.backup_length, file.path()));
    SLUICE_TRY(const auto bytes, file.bytes(kMaxConfiguration));
    if (bytes.empty() || digest_of(bytes) != memory_.backup_digest)
        return Error{memory_.backup + ": is not what the device wrote"};
    SLUICE_CHECK(cabinet_.keep(memory_.backup, bytes));
    memory_.restored = memory_.backup;
    memory_.restored_length = memory_.backup_length;
    memory_.restored_digest = memory_.backup_digest;
    return success();
}

Result<void> Upgrade::convert_here(Instant) {
    const auto* by =
        conversion::conversion_for(options_.conversions, memory_.old_version, options_.version);
    SLUICE_TRY(const auto from, cabinet_.read(memory_.backup));
    SLUICE_TRY(const auto converted,
               conversion::convert(*by, as_text(from), options_.conversion_limit));
    return prepare(memory_.backup + ".converted", as_bytes(converted));
}

// --- the operator -------------------------------------------------------------------------------

void Upgrade::accept(Instant now) {
    handle(upgrade::Accepted{procedure_.record().question}, now);
}
void Upgrade::decline(Instant now) {
    handle(upgrade::Declined{procedure_.record().question}, now);
}
void Upgrade::call_off(Instant now) {
    handle(upgrade::CalledOff{}, now);
}

Result<void> Upgrade::check_correction(bool is_image) const {
    const auto question = procedure_.record().question;
    if (question == Step::end) return Error{options_.name + ": the upgrade asks nothing"};
    if (is_image ? upgrade::takes_image(question) : upgrade::takes_configuration(question))
        return success();
    return Error{options_.name + ": " + (is_image ? "another image" : "a configuration") +
                 " is of no use while " + std::string(upgrade::arrow(question).says)};
}

Result<void> Upgrade::correct_configuration(const std::string& file, Instant now) {
    SLUICE_TRY(const auto bytes, read_whole(file, kMaxConfiguration));
    SLUICE_CHECK(prepare(memory_.backup + ".edited", bytes));
    handle(upgrade::Corrected{procedure_.record().question}, now);
    return success();
}

void Upgrade::correct_image(const std::string& name, std::uint32_t length, Bytes digest,
                            std::string version, Instant now) {
    options_.image = name;
    options_.image_length = length;
    options_.image_digest = std::move(digest);
    if (!version.empty()) options_.version = std::move(version);
    handle(upgrade::Corrected{procedure_.record().question}, now);
}

UpgradeView Upgrade::view() const {
    return {procedure_.record(), progress_, detail_};
}

}  // namespace sluice::iad
