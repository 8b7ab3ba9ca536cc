// What the manager keeps of one device's upgrade, and takes up again.

#include <filesystem>
#include <nlohmann/json.hpp>

#include "acs-plugin/iad/files.hpp"
#include "acs-plugin/iad/station/upgrade.hpp"
#include "engine/upgrade/form.hpp"

namespace sluice::iad {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxBytes = 64 * 1024;

std::string text_of(const json& from, const char* key) {
    const auto found = from.find(key);
    return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}
std::uint32_t number_of(const json& from, const char* key) {
    const auto found = from.find(key);
    return found != from.end() && found->is_number_unsigned() ? found->get<std::uint32_t>() : 0;
}

}  // namespace

Result<void> Upgrade::keep() {
    const json out = {{"record", upgrade::to_json(procedure_.record())},
                      {"base", memory_.base},
                      {"old_version", memory_.old_version},
                      {"backup", memory_.backup},
                      {"backup_length", memory_.backup_length},
                      {"backup_digest", to_hex(memory_.backup_digest)},
                      {"restored", memory_.restored},
                      {"restored_length", memory_.restored_length},
                      {"restored_digest", to_hex(memory_.restored_digest)},
                      {"image", options_.image},
                      {"image_length", options_.image_length},
                      {"image_digest", to_hex(options_.image_digest)},
                      {"version", options_.version}};
    return write_durably(path("record.json"), as_bytes(out.dump(1) + "\n"));
}

Result<void> Upgrade::restore(Instant now) {
    // Numbers of orders never come again for a device: seconds of the clock are far enough apart.
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.since_start).count();
    memory_.base = static_cast<std::uint32_t>(seconds & 0x7fffffff);
    memory_.backup = options_.name + "-" + std::to_string(seconds) + ".cfg";
    const auto file = path("record.json");
    if (!std::filesystem::exists(file)) {
        handle(upgrade::Start{}, now);
        return success();
    }
    SLUICE_TRY(const auto bytes, read_whole(file, kMaxBytes));
    const auto from = json::parse(bytes.begin(), bytes.end(), nullptr, false);
    if (!from.is_object()) return Error{file + ": is not what this program wrote"};
    auto record = upgrade::parse_record(text_of(from, "record"));
    if (!record.has_value()) return std::move(record.error()).within(file);
    if (record.value().end != upgrade::End::none) {  // an earlier one: this is a new upgrade
        handle(upgrade::Start{}, now);
        return success();
    }
    memory_.base = number_of(from, "base");
    memory_.old_version = text_of(from, "old_version");
    memory_.backup = text_of(from, "backup");
    memory_.backup_length = number_of(from, "backup_length");
    memory_.backup_digest = from_hex(text_of(from, "backup_digest")).value_or(Bytes{});
    memory_.restored = text_of(from, "restored");
    memory_.restored_length = number_of(from, "restored_length");
    memory_.restored_digest = from_hex(text_of(from, "restored_digest")).value_or(Bytes{});
    options_.image = text_of(from, "image");
    options_.image_length = number_of(from, "image_length");
    options_.image_digest = from_hex(text_of(from, "image_digest")).value_or(Bytes{});
    options_.version = text_of(from, "version");
    procedure_ = upgrade::Procedure(options_.policy, record.value());
    handle(upgrade::Tick{}, now);
    return success();
}

}  // namespace sluice::iad
