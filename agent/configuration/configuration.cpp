#include "agent/configuration/configuration.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "engine/image/merkle.hpp"

namespace sluice::agent::configuration {
namespace {

constexpr char kRecord[] = "record";
constexpr std::string_view kCopySuffix = ".cfg";

// 7 of "7.cfg"; 0 of anything else.
std::uint64_t number_of(std::string_view name) {
    if (!name.ends_with(kCopySuffix)) return 0;
    name.remove_suffix(kCopySuffix.size());
    std::uint64_t out = 0;
    const auto* const end = name.data() + name.size();
    return std::from_chars(name.data(), end, out).ptr == end ? out : 0;
}

Result<void> make_folder(disk::Disk& disk, const std::string& folder) {
    SLUICE_CHECK(disk::make_durable_directory(disk, folder));
    // What a process left that was killed behind a rename is acted on from here: a cut must not
    // take it back.
    SLUICE_CHECK(disk.sync_directory(folder));
    return success();
}

Result<void> check_size(ByteView bytes) {
    if (bytes.empty()) return Error{"it is empty"};
    if (bytes.size() > kMaxBytes) return Error{"it is longer than 4 MiB"};
    return success();
}

}  // namespace

Result<std::unique_ptr<Configuration>> Configuration::open(disk::Disk& disk, std::string folder,
                                                           Software& software) {
    SLUICE_CHECK(make_folder(disk, folder));
    std::unique_ptr<Configuration> out(new Configuration(disk, folder, software));
    const auto text = disk::read_small_file(disk, folder + "/" + kRecord, kMaxRecordBytes);
    if (!text && text.error().is_missing()) return out;
    const bool is_rotten = !text && (text.error().code == EIO || text.error().code == EFBIG);
    if (!text && !is_rotten) return Error{text.error().message};
    if (text) {
        if (auto record = parse_record(as_text(text.value()))) {
            out->record_ = std::move(record).value();
            return out;
        }
    }
    (void)disk.rename(folder, folder + ".unreadable");
    SLUICE_CHECK(make_folder(disk, folder));
    return out;
}

std::string Configuration::path_of(std::uint64_t copy) const {
    return folder_ + "/" + std::to_string(copy) + std::string(kCopySuffix);
}

Result<void> Configuration::booted(install::Slot running, bool may_other_have_run) {
    running_ = running;
    const auto& slot = record_.at(running);
    const bool has_other_run = may_other_have_run || record_.live_slot != running;
    const bool is_in_use = record_.live == slot.copy && !(has_other_run && slot.is_exact);
    if (slot.copy != 0 && !is_in_use) return give(slot.copy);
    auto next = record_;
    next.staged = 0;
    next.live_slot = running;
    return next == record_ ? Result<void>(success()) : write(std::move(next));
}

Result<void> Configuration::leave(bool is_image_new) {
    auto next = record_;
    SLUICE_CHECK(keep_current(next));
    if (is_image_new) next.at(other(running_)) = {next.at(running_).copy, false};
    return next == record_ ? Result<void>(success()) : write(std::move(next));
}

Result<void, ApplyError> Configuration::apply(ByteView bytes, const Label& label) {
    const auto stage = [&]() -> Result<void> {
        SLUICE_CHECK(check_size(bytes));
        auto next = record_;
        SLUICE_CHECK(keep_current(next));
        next.staged = same_copy(next, bytes, label);
        next.live = 0;
        if (next.staged == 0) {
            SLUICE_TRY(auto copy, keep(bytes, label));
            next.staged = copy.number;
            next.copies.push_back(std::move(copy));
        }
        return write(std::move(next));
    };
    if (auto staged = stage(); !staged) {
        // Without room for anything: what is in use need not come.
        if (label.version.empty() && is_in_use(bytes)) return success();
        return ApplyError{{staged.error().message}, false, true};
    }

    const auto number = record_.staged;
    const auto applied = software_.apply(path_of(number), bytes);
    Result<void> done = applied;
    if (applied) {
        auto next = record_;
        next.at(running_) = {number, false};
        next.live = number;
        next.live_slot = running_;
        next.staged = 0;
        std::ranges::find(next.copies, number, &Copy::number)->label = kept(label);
        done = write(std::move(next));
    }
    if (done) return success();
    const bool is_back = record_.at(running_).copy != 0 && give(record_.at(running_).copy);
    return ApplyError{{done.error().message}, !applied, is_back};
}

Result<std::optional<Bytes>> Configuration::read() {
    SLUICE_TRY(auto bytes, in_use());
    if (bytes) return bytes;
    const auto* const copy = current();
    if (copy == nullptr) return std::optional<Bytes>();
    SLUICE_TRY(auto kept, load(*copy));
    return std::optional<Bytes>(std::move(kept));
}

Result<void> Configuration::forget() {
    Record next;
    next.next = record_.next;
    next.live_slot = running_;
    return next == record_ ? Result<void>(success()) : write(std::move(next));
}

// --- copies --------------------------------------------------------------------------------------

Result<Bytes> Configuration::load(const Copy& copy) const {
    const auto path = path_of(copy.number);
    SLUICE_TRY(auto bytes, disk::read_small_file(disk_, path, kMaxBytes));
    if (image::sha256(bytes) != copy.sha256) return Error{path + ": not what was kept"};
    return bytes;
}

bool Configuration::is_in_use(ByteView bytes) {
    const auto said = in_use();
    return said && said.value() && std::ranges::equal(*said.value(), bytes);
}

// The number of the running slot's copy, if it is those bytes, whole, of that version; else 0.
std::uint64_t Configuration::same_copy(const Record& record, ByteView bytes,
                                       const Label& label) const {
    const auto* const copy = record.find(record.at(running_).copy);
    if (copy == nullptr || copy->sha256 != image::sha256(bytes) || !load(*copy)) return 0;
    auto wanted = *copy;
    wanted.label = kept(label);
    return wanted.version() == copy->version() ? copy->number : 0;
}

// Durable, and named by nothing yet.
Result<Copy> Configuration::keep(ByteView bytes, const Label& label) {
    Copy copy;
    copy.number =
        record_.next++;  // never used twice: a write that failed may be there all the same
    copy.length = bytes.size();
    copy.sha256 = image::sha256(bytes);
    copy.label = kept(label);
    const auto name = std::to_string(copy.number) + std::string(kCopySuffix);
    auto kept = disk::write_small_file(disk_, folder_, name, bytes);
    if (!kept) {
        remove_unused();
        return Error{kept.error().message};
    }
    return copy;
}

// What the software says. Empty is no configuration: it cannot say.
Result<std::optional<Bytes>> Configuration::in_use() {
    SLUICE_TRY(auto said, software_.current());
    if (!said || said->empty()) return std::optional<Bytes>();
    SLUICE_CHECK(check_size(*said));
    return said;
}

// What the software says is in use becomes the running slot's copy, under the name it had.
Result<void> Configuration::keep_current(Record& next) {
    auto said = in_use();
    if (!said) return Error{"what is in use cannot be kept: " + said.error().message};
    if (!said.value()) return success();
    auto& slot = next.at(running_);
    const auto* const before = next.find(slot.copy);
    if (before == nullptr || before->sha256 != image::sha256(*said.value())) {
        SLUICE_TRY(auto copy, keep(*said.value(), before != nullptr ? before->label : Label{}));
        slot.copy = copy.number;
        next.copies.push_back(std::move(copy));
    }
    slot.is_exact = true;
    next.live = slot.copy;
    next.live_slot = running_;
    return success();
}

// The running slot's copy to the software. Until that is done, it may use anything.
Result<void> Configuration::give(std::uint64_t copy) {
    auto next = record_;
    next.live = next.staged = 0;
    next.live_slot = running_;
    SLUICE_CHECK(write(next));
    SLUICE_TRY(const auto bytes, load(*record_.find(copy)));
    SLUICE_CHECK(software_.apply(path_of(copy), bytes));
    next = record_;
    next.live = copy;
    return write(std::move(next));
}

// --- the record ----------------------------------------------------------------------------------

// After an error either record may be on the medium, and all that both of them name stays until
// another one is there for sure.
Result<void> Configuration::write(Record next) {
    next.next = std::max(next.next, record_.next);
    std::erase_if(next.copies, [&](const Copy& copy) { return !next.names(copy.number); });
    is_record_sure_ = false;
    SLUICE_CHECK(disk::write_small_file(disk_, folder_, kRecord, as_bytes(to_text(next))));
    is_record_sure_ = true;
    record_ = std::move(next);
    remove_unused();
    return success();
}

void Configuration::remove_unused() {
    const auto entries = disk_.list(folder_);
    if (!entries || !is_record_sure_) return;
    for (const auto& entry : entries.value()) {
        const auto number = number_of(entry.name);
        if (number != 0 && !record_.names(number)) (void)disk_.remove_file(path_of(number));
    }
}

}  // namespace sluice::agent::configuration
