#include "tests/safe_upgrade/keeper.hpp"

#include <cstdio>
#include <cstdlib>

namespace sluice::upgrade {
namespace {

// SLUICE_UPGRADE_TRACE=1: a failing seed, told step by step.
void trace(const Event& event, const Actions& out, const Record& record) {
    static const bool is_on = std::getenv("SLUICE_UPGRADE_TRACE") != nullptr;
    if (!is_on) return;
    if (const auto* ended = std::get_if<Ended>(&event))
        std::printf("#%u ends %d (%s)\n", ended->number, static_cast<int>(ended->outcome),
                    std::string(describe(ended->reason)).c_str());
    for (const auto& action : out) {
        if (const auto* what = std::get_if<Do>(&action))
            std::printf("  #%u %s, attempt %d, try %d\n", what->number,
                        std::string(name_of(what->step)).c_str(), what->attempt, record.tries);
        if (const auto* asked = std::get_if<Ask>(&action))
            std::printf("  asks at %s\n", std::string(name_of(asked->step)).c_str());
        if (const auto* over = std::get_if<Over>(&action))
            std::printf("  over: %s\n", std::string(name_of(over->end)).c_str());
    }
}

}  // namespace

bool Keeper::start(Instant now) {
    open_.reset();
    image_ = Image::wanted;
    const auto kept = agent::disk::read_small_file(disk, std::string(kFolder) + "/record", 4096);
    if (!kept && !kept.error().is_missing()) return false;
    // What a killed process renamed is acted on from here: a cut must not take it back.
    if (!disk.sync_directory(kFolder)) return false;
    if (!kept) {
        procedure_.emplace(policy_);
        return handle(Start{}, now);
    }
    // The image's number, and the record: of one piece.
    const auto text = as_text(kept.value());
    if (text.empty()) return false;
    image_ = static_cast<Image>(text[0] - '0');
    const auto record = parse_record(text.substr(1));
    if (!record) return false;
    procedure_.emplace(policy_, record.value());
    return handle(Tick{}, now);
}

bool Keeper::handle(const Event& event, Instant now) {
    Actions out;
    procedure_->on(event, now, out);
    trace(event, out, procedure_->record());
    for (const auto& action : out) {
        if (std::holds_alternative<Changed>(action) &&
            !keep("record", as_bytes(std::to_string(static_cast<int>(image_)) +
                                     to_json(procedure_->record()))))
            return false;
        if (const auto* what = std::get_if<Do>(&action)) open_ = *what;
        if (std::holds_alternative<Drop>(action)) open_.reset();
    }
    if (!procedure_->record().is_open) open_.reset();
    return true;
}

Result<void> Keeper::keep(const std::string& name, ByteView bytes) {
    SLUICE_CHECK(agent::disk::write_small_file(disk, kFolder, name, bytes));
    return success();
}

Result<Bytes> Keeper::load(const std::string& name) {
    auto bytes = agent::disk::read_small_file(disk, std::string(kFolder) + "/" + name, 4096);
    if (!bytes) return Error{bytes.error().message};
    return std::move(bytes).value();
}

}  // namespace sluice::upgrade
