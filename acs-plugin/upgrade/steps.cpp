// What each step of a safe upgrade asks of the device or does at the server, and what comes of it.

#include <algorithm>

#include "acs-plugin/upgrade/one_upgrade.hpp"
#include "engine/image/sha256.hpp"
#include "engine/rollout/policy.hpp"

namespace sluice::upgrade::acs {
namespace {

constexpr std::string_view kOldType = "1 Vendor Configuration File";
constexpr std::string_view kNewType = "3 Vendor Configuration File ";
// A boot and the word on the transfer, told in one session.
constexpr std::int64_t kOneSessionMs = 60'000;
// Without a boot that is told, the old version is a verdict only so long after the transfer.
constexpr std::int64_t kSettleMs = 600'000;
// Of a configuration's digest: what an agent reports as its version.
constexpr std::size_t kVersionCharacters = 16;

constexpr std::uint32_t kNoMethod = 9000, kArguments = 9003, kNoType = 9006;

}  // namespace

// --- orders -------------------------------------------------------------------------------------

Result<service::DeviceOrder> OneUpgrade::make_order() {
    const auto& spec = *terms_.spec;
    const auto configuration = configuration_name(memory_.root);
    switch (record().step) {
        case Step::precheck: {
            auto names = image_names(memory_.root);
            names.push_back(configuration);
            names.insert(names.end(), spec.compare.begin(), spec.compare.end());
            return read(std::move(names), true);
        }
        case Step::back_up:
            return upload(upload_type());
        case Step::transfer:
            return install();
        case Step::compare:
            return read(spec.compare.empty() ? std::vector{configuration} : spec.compare);
        case Step::convert:
            if (memory_.stage > 0) return upload({});
            return download(service::OrderKind::convert, memory_.backup);
        case Step::restore:
            return download(service::OrderKind::configure, memory_.restored);
        case Step::put_back:
            return download(service::OrderKind::configure, memory_.backup);
        case Step::verify_restore:
        case Step::verify_put_back:
            if (spec.verify_restore == service::VerifyRestore::upload) return upload(upload_type());
            return read({configuration});
        case Step::roll_back:
            if (memory_.stage == 0) return read(image_names(memory_.root));
            if (memory_.stage == 1)
                return service::DeviceOrder(service::SetOrder{
                    command_key(), {{boot_image_name(memory_.root), memory_.image_path}}});
            return service::DeviceOrder(service::RebootOrder{command_key()});
        default:
            return Error{"no order belongs to " + std::string(name_of(record().step))};
    }
}

// As it reported last: its session may be older than this process.
std::string OneUpgrade::version_now() const {
    if (!heard_.version.empty()) return heard_.version;
    const auto& device = hall_.around().device;
    const auto* row = device ? device(part_.identity) : nullptr;
    return row == nullptr ? std::string() : row->report.software_version;
}

std::string OneUpgrade::upload_type() const {
    if (!terms_.spec->upload_file_type.empty()) return terms_.spec->upload_file_type;
    if (memory_.uses_old_type) return std::string(kOldType);
    return std::string(kNewType) + std::to_string(memory_.instance);
}

service::DeviceOrder OneUpgrade::read(std::vector<std::string> names, bool asks_methods) const {
    return service::ReadOrder{command_key(), std::move(names), asks_methods};
}

Result<service::DeviceOrder> OneUpgrade::upload(std::string file_type) const {
    auto* vault = hall_.around().vault;
    if (vault == nullptr) return Error{"no backups are kept here"};
    SLUICE_TRY(auto place,
               vault->ticket_up(part_.identity, part_.rollout, last_number(), expires()));
    return service::DeviceOrder(
        service::UploadOrder{command_key(), std::move(place.url), std::move(place.username),
                             std::move(place.password), std::move(file_type)});
}

Result<service::DeviceOrder> OneUpgrade::download(service::OrderKind kind,
                                                  std::uint64_t backup) const {
    auto* vault = hall_.around().vault;
    if (vault == nullptr) return Error{"no backups are kept here"};
    SLUICE_TRY(auto place, vault->offer(backup, last_number(), expires()));
    service::DownloadOrder out;
    out.kind = kind;
    out.command_key = command_key();
    out.url = std::move(place.url);
    out.username = std::move(place.username);
    out.password = std::move(place.password);
    out.file_size = place.length;
    // The program's name: what a convert-command finds as SLUICE_NAME.
    if (const auto* by = conversion(); by != nullptr && kind == service::OrderKind::convert)
        out.target_file_name = by->device_program;
    return service::DeviceOrder(std::move(out));
}

// Of an image that the operator chose: the rollout gives its own order otherwise.
Result<service::DeviceOrder> OneUpgrade::install() const {
    SLUICE_TRY(auto order, hall_.order_image(part_, memory_.image));
    order.command_key = command_key();
    return service::DeviceOrder(std::move(order));
}

// --- what comes of them -------------------------------------------------------------------------

void OneUpgrade::on_done(const service::OrderAnswer& answer, Turn& turn) {
    switch (record().step) {
        case Step::precheck:
            return on_checked(answer, turn);
        case Step::compare:
            return on_compared(answer, turn);
        case Step::verify_restore:
        case Step::verify_put_back:
            if (terms_.spec->verify_restore == service::VerifyRestore::version)
                return on_version_read(answer, turn);
            return on_transferred(turn);
        case Step::roll_back:
            if (memory_.stage == 0) return on_images_read(answer, turn);
            if (memory_.stage == 1) return go_to_stage(2, turn);
            return succeed(turn);
        default:
            return on_transferred(turn);
    }
}

void OneUpgrade::on_checked(const service::OrderAnswer& answer, Turn& turn) {
    const auto version = version_now();
    if (version.empty()) return fail("the device does not say which software it runs", turn);
    const auto& spec = *terms_.spec;
    const auto file = configuration_of(answer.values);
    memory_.old_version = version;
    memory_.old_configuration = file.version.empty() ? heard_.configuration : file.version;
    memory_.instance = file.instance;
    memory_.before = digests_of(spec.compare, answer.values);
    Found found;
    found.number = record().number;
    found.is_target = version == memory_.version && heard_.is_healthy;
    found.can_back_up = std::ranges::find(answer.methods, "Upload") != answer.methods.end();
    found.keeps_image = images_of(answer.values).size() > 1;
    handle(found, turn);
}

void OneUpgrade::on_compared(const service::OrderAnswer& answer, Turn& turn) {
    const auto& names = terms_.spec->compare;
    if (!names.empty()) {
        const auto other = first_difference(memory_.before, digests_of(names, answer.values));
        if (other.empty()) return succeed(turn);
        memory_.detail = other + " is not what it was";
        return end(Outcome::lost, Reason::none, {}, turn);
    }
    auto version = configuration_of(answer.values).version;
    if (version.empty()) version = heard_.configuration;
    if (version.empty() || memory_.old_configuration.empty())
        return refuse("the device does not say which configuration it uses", turn);
    end(version == memory_.old_configuration ? Outcome::done : Outcome::lost, Reason::none, {},
        turn);
}

// The version that the backup had, or the one that an agent makes of what it was sent. A device
// that never said one is believed that it took the file.
void OneUpgrade::on_version_read(const service::OrderAnswer& answer, Turn& turn) {
    const auto version = configuration_of(answer.values).version;
    const bool is_backup =
        record().step == Step::verify_put_back || memory_.restored == memory_.backup;
    const auto& digest = is_backup ? memory_.backup_digest : memory_.restored_digest;
    const bool says_nothing = version.empty() && memory_.old_configuration.empty();
    if (says_nothing || (is_backup && version == memory_.old_configuration) ||
        version == digest.substr(0, kVersionCharacters))
        return succeed(turn);
    end(Outcome::failed, Reason::not_the_same,
        "the device uses configuration '" + version + "', not what it was sent", turn);
}

void OneUpgrade::on_images_read(const service::OrderAnswer& answer, Turn& turn) {
    // It went back by itself, or the new image never came to run.
    if (version_now() == memory_.old_version) return succeed(turn);
    const auto images = images_of(answer.values);
    const auto* image = image_with(images, memory_.old_version, active_image(answer.values));
    if (image == nullptr)
        return refuse("the device shows no image with version " + memory_.old_version +
                          " that it could start",
                      turn);
    memory_.image_path = image->path;
    go_to_stage(1, turn);
}

void OneUpgrade::on_fault(std::uint32_t fault, const std::string& why, Turn& turn) {
    const auto step = record().step;
    const bool is_upload = step == Step::back_up;
    if (is_upload && (fault == kArguments || fault == kNoType) && !memory_.uses_old_type &&
        terms_.spec->upload_file_type.empty()) {
        memory_.uses_old_type = true;
        return fail(why, turn);
    }
    // An image that is not for it, an RPC that it has not: the same every time.
    const bool is_hopeless = !rollout::is_worth_retrying(fault, inventory::DeviceKind::plain) ||
                             (step == Step::roll_back && memory_.stage == 1 && fault != kNoMethod);
    if (is_hopeless) return refuse(why, turn);
    fail(why, turn);
}

// A file went up or down, says the device.
void OneUpgrade::on_transferred(Turn& turn) {
    switch (record().step) {
        case Step::back_up:
            if (take_stored(turn)) return succeed(turn);
            return fail("the device says that it sent its configuration, and nothing came", turn);
        case Step::convert: {
            if (memory_.stage == 0) return go_to_stage(1, turn);
            const auto row = settle(turn);
            if (!row)
                return fail("the device says that it sent what it made, and nothing came", turn);
            memory_.restored = row->id;
            memory_.restored_digest = to_hex(row->sha256);
            return succeed(turn);
        }
        case Step::transfer:
            memory_.applied = turn.now;
            return succeed(turn);
        case Step::restore:
        case Step::put_back:
            return succeed(turn);
        case Step::verify_restore:
        case Step::verify_put_back:
            return on_uploaded_again(turn);
        default:
            return;
    }
}

// Without a vault (the server was started anew without keys) nothing came.
std::optional<service::BackupRow> OneUpgrade::settle(Turn& turn) {
    auto* vault = hall_.around().vault;
    if (vault == nullptr) return std::nullopt;
    return vault->settle(part_.identity, part_.rollout, last_number(), turn.out);
}

bool OneUpgrade::take_stored(Turn& turn) {
    const auto row = settle(turn);
    if (!row) return false;
    memory_.backup = memory_.restored = row->id;
    memory_.backup_digest = memory_.restored_digest = to_hex(row->sha256);
    return true;
}

void OneUpgrade::on_uploaded_again(Turn& turn) {
    const auto row = settle(turn);
    if (!row) return fail("the device says that it sent its configuration, and nothing came", turn);
    const auto& digest =
        record().step == Step::verify_put_back ? memory_.backup_digest : memory_.restored_digest;
    if (to_hex(row->sha256) == digest) return succeed(turn);
    end(Outcome::failed, Reason::not_the_same,
        "the configuration that the device sent back is not the one that it was sent", turn);
}

// --- looking ------------------------------------------------------------------------------------

void OneUpgrade::judge_version(const Heard& heard, Turn& turn) {
    const bool is_back = record().step == Step::verify_roll_back;
    // An order that could not be taken back has so long to come to run.
    if (is_back && memory_.refused.unix_ms > memory_.booted.unix_ms &&
        turn.now.unix_ms < memory_.refused.unix_ms + kSettleMs)
        return;
    const auto& wanted = is_back ? memory_.old_version : memory_.version;
    if (heard.version == wanted && heard.is_healthy) return succeed(turn);
    if (heard.version == wanted) memory_.detail = "the device runs " + wanted + " and is not well";
    if (is_back || heard.version.empty() || heard.version != memory_.old_version) return;
    const bool has_booted = memory_.booted.unix_ms != 0 &&
                            memory_.booted.unix_ms + kOneSessionMs >= memory_.applied.unix_ms;
    const bool is_late = turn.now.unix_ms >= memory_.applied.unix_ms + kSettleMs;
    if (has_booted || is_late)
        end(Outcome::reverted, Reason::reverted,
            "it was told to run " + memory_.version + ", and runs " + heard.version, turn);
}

}  // namespace sluice::upgrade::acs
