#include "agent/installer.hpp"

#include <algorithm>

#include "engine/base/overloaded.hpp"
#include "engine/image/sha256.hpp"

namespace sluice::agent {
namespace {

using install::Outcome;
using install::Slot;

constexpr std::size_t kChunk = 64 * 1024;

std::string slot_path(const std::string& folder, Slot slot) {
    return folder + "/" + install::letter(slot) + ".img";
}

Result<image::Digest> hash_file(const disk::File& file) {
    image::Sha256 hash;
    Bytes buffer(kChunk);
    for (std::uint64_t offset = 0;;) {
        SLUICE_TRY(const auto got, file.pread(offset, buffer));
        if (got == 0) return hash.finish();
        hash.update(ByteView(buffer).first(got));
        offset += got;
    }
}

// A slot of a device that comes from the factory without a record.
Result<install::SlotContent> found_slot(disk::Disk& disk, const std::string& path) {
    auto opened = disk.open(path, disk::Open::read);
    if (!opened && opened.error().is_missing()) return install::SlotContent{};
    SLUICE_TRY(const auto file, std::move(opened));
    install::SlotContent content;
    SLUICE_TRY(content.length, file->length());
    SLUICE_TRY(content.sha256, hash_file(*file));
    content.is_whole = content.length > 0;
    return content;
}

Result<BootRecord> make_record(disk::Disk& disk, const std::string& folder, Slot running,
                               std::uint32_t security_version) {
    install::BootState state;
    state.sequence = 1;
    state.active = running;
    state.security_version = security_version;
    for (const Slot slot : {Slot::a, Slot::b}) {
        SLUICE_TRY(state.at(slot), found_slot(disk, slot_path(folder, slot)));
        state.at(slot).security_version = security_version;
    }
    return BootRecord::create(disk, folder, state);
}

const char* reason(Outcome outcome) {
    switch (outcome) {
        case Outcome::installed:
            return "installed";
        case Outcome::committed:
            return "committed";
        case Outcome::stays:
            return "the running image stays";
        case Outcome::fell_back:
            return "fell back to the kept image";
        case Outcome::refused_older:
            return "older security version than the device's";
        case Outcome::refused_busy:
            return "another install or trial is under way";
        case Outcome::write_failed:
            return "the slot cannot be written";
        case Outcome::refused_none:
            return "there is no whole image in it";
        case Outcome::verify_failed:
            return "the slot does not read back as the image";
        case Outcome::record_failed:
            return "the boot record cannot be written";
    }
    return "";
}

}  // namespace

Result<std::unique_ptr<TwoSlotInstaller>> TwoSlotInstaller::open(
    disk::Disk& disk, const std::string& folder, std::optional<Slot> running,
    std::uint32_t factory_security_version, const install::InstallPolicy& policy) {
    SLUICE_TRY(auto found, BootRecord::open(disk, folder));
    if (!found) {
        SLUICE_TRY(auto made,
                   make_record(disk, folder, running.value_or(Slot::a), factory_security_version));
        found.emplace(std::move(made));
    }
    const auto& state = found->state();
    // After a boot of the trial the active slot need not be the running one, and the wrong guess
    // writes over the running one.
    const bool was_tried = state.was_healthy || state.tries_left < policy.tries;
    if (!running && state.is_on_trial && was_tried)
        return Error{folder + ": slot " + install::letter(other(state.active)) +
                     " is on trial; say which slot is running"};
    const Slot slot = running.value_or(state.active);
    return std::unique_ptr<TwoSlotInstaller>(
        new TwoSlotInstaller(disk, folder, std::move(*found), slot, policy));
}

TwoSlotInstaller::TwoSlotInstaller(disk::Disk& disk, std::string folder, BootRecord record,
                                   Slot running, const install::InstallPolicy& policy)
    : disk_(disk),
      folder_(std::move(folder)),
      record_(std::move(record)),
      machine_(record_.state(), running, policy) {}

install::Actions TwoSlotInstaller::on(const install::Event& event, Instant now) {
    install::Actions left, asked;
    const auto next = [&](const install::Event& answered) { machine_.on(answered, now, asked); };
    next(event);
    // Each answer may add to `asked`: no iterators, and an action by value.
    for (std::size_t i = 0; i < asked.size(); ++i) {
        const install::Action action = asked[i];
        std::visit(Overloaded{[&](const install::RecordState&) {
                                  next(answer(record_.write(machine_.state_to_record()),
                                              install::StateRecorded{}));
                              },
                              [&](const install::WriteSlot& a) {
                                  next(answer(write_slot(a.slot), install::SlotWritten{}));
                              },
                              [&](const install::SyncSlot&) {
                                  next(answer(sync_slot(), install::SlotSynced{}));
                              },
                              [&](const install::VerifySlot&) {
                                  const auto right = is_slot_right();
                                  if (right)
                                      next(right.value() ? install::Event{install::SlotVerified{}}
                                                         : install::Event{install::SlotRefused{}});
                                  else
                                      next(answer(right.error(), install::SlotVerified{}));
                              },
                              [&](const install::CheckHealth& a) { left.push_back(a); },
                              [&](const install::Reboot& a) { left.push_back(a); },
                              [&](const install::Report& a) { left.push_back(a); }},
                   action);
    }
    return left;
}

Result<Slot> TwoSlotInstaller::install(const PieceStore& store, const install::Order& order,
                                       Instant now) {
    if (!store.is_complete() || order.length != store.layout().length)
        return Error{"install " + store.id().hex() + ": the image is not whole and durable"};
    image_ = &store.file();
    order_ = order;
    last_error_ = {};
    machine_.set_order(order);
    const auto left = on(install::InstallRequested{}, now);
    image_ = nullptr;
    slot_file_.reset();
    return installed_slot("install into ", left);
}

Result<Slot> TwoSlotInstaller::go_to_kept(Instant now) {
    const auto slot = other(machine_.running());
    const auto& kept = boot_state().at(slot);
    last_error_ = {};
    order_ = {kept.length, kept.sha256, kept.security_version};
    if (kept.is_whole) {
        SLUICE_TRY(slot_file_, disk_.open(slot_path(folder_, slot), disk::Open::read));
    }
    const auto left = on(install::KeptRequested{}, now);
    slot_file_.reset();
    return installed_slot("back to ", left);
}

Result<void> TwoSlotInstaller::stay(Instant now) {
    last_error_ = {};
    const auto left = on(install::StayRequested{}, now);
    for (const auto& action : left) {
        const auto* const report = std::get_if<install::Report>(&action);
        if (report != nullptr && report->outcome == Outcome::stays) return success();
    }
    SLUICE_CHECK(installed_slot("stay beside ", left));
    return success();
}

Result<Slot> TwoSlotInstaller::installed_slot(const std::string& what,
                                              const install::Actions& left) const {
    for (const auto& action : left) {
        const auto* const report = std::get_if<install::Report>(&action);
        if (report == nullptr) continue;
        if (report->outcome == Outcome::installed) return report->slot;
        auto message = what + slot_path(folder_, report->slot) + ": " + reason(report->outcome);
        if (!last_error_.message.empty()) message += ": " + last_error_.message;
        return Error{message};
    }
    return Error{what + folder_ + ": " + last_error_.message};
}

install::Event TwoSlotInstaller::answer(Result<void> done, const install::Event& if_done) {
    if (done) return if_done;
    last_error_ = done.error();
    return install::StepFailed{};
}

Result<void> TwoSlotInstaller::write_slot(Slot slot) {
    if (image_ == nullptr) return Error{"no image was given"};
    SLUICE_TRY(slot_file_, disk_.open(slot_path(folder_, slot), disk::Open::create));
    SLUICE_CHECK(slot_file_->truncate(0));
    SLUICE_CHECK(slot_file_->allocate(order_.length));
    Bytes buffer(kChunk);
    for (std::uint64_t offset = 0; offset < order_.length;) {
        const auto wanted = std::min<std::uint64_t>(buffer.size(), order_.length - offset);
        SLUICE_TRY(const auto got, image_->pread(offset, std::span(buffer).first(wanted)));
        if (got != wanted) return Error{"the stored image ends at byte " + std::to_string(offset)};
        SLUICE_CHECK(slot_file_->pwrite(offset, ByteView(buffer).first(got)));
        offset += got;
    }
    return success();
}

Result<void> TwoSlotInstaller::sync_slot() {
    SLUICE_CHECK(slot_file_->sync_data());
    SLUICE_CHECK(disk_.sync_directory(folder_));  // a slot written for the first time: its name
    return success();
}

Result<bool> TwoSlotInstaller::is_slot_right() {
    slot_file_->drop_cache();
    SLUICE_TRY(const auto length, slot_file_->length());
    if (length != order_.length) return false;
    SLUICE_TRY(const auto digest, hash_file(*slot_file_));
    return digest == order_.sha256;
}

}  // namespace sluice::agent
