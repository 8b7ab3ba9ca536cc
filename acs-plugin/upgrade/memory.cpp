#include "acs-plugin/upgrade/memory.hpp"

#include <nlohmann/json.hpp>

namespace sluice::upgrade::acs {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxBytes = 256 * 1024;

void read(const json& from, const char* key, std::string& out) {
    const auto at = from.find(key);
    if (at != from.end() && at->is_string()) out = at->get<std::string>();
}
void read(const json& from, const char* key, bool& out) {
    const auto at = from.find(key);
    if (at != from.end() && at->is_boolean()) out = at->get<bool>();
}
template <class T>
void read_number(const json& from, const char* key, T& out) {
    const auto at = from.find(key);
    if (at != from.end() && at->is_number_integer()) out = at->get<T>();
}

}  // namespace

std::string to_json(const Memory& m) {
    const json out = {{"base", m.base},
                      {"version", m.version},
                      {"image", m.image},
                      {"image_order", m.image_order},
                      {"is_cancel_out", m.is_cancel_out},
                      {"refused_ms", m.refused.unix_ms},
                      {"strays", m.strays},
                      {"is_alarming", m.is_alarming},
                      {"old_version", m.old_version},
                      {"old_configuration", m.old_configuration},
                      {"root", m.root},
                      {"before", m.before},
                      {"backup", m.backup},
                      {"restored", m.restored},
                      {"backup_digest", m.backup_digest},
                      {"restored_digest", m.restored_digest},
                      {"image_path", m.image_path},
                      {"stage", m.stage},
                      {"is_taken", m.is_taken},
                      {"given_ms", m.given.unix_ms},
                      {"applied_ms", m.applied.unix_ms},
                      {"booted_ms", m.booted.unix_ms},
                      {"instance", m.instance},
                      {"uses_old_type", m.uses_old_type},
                      {"failed", name_of(m.failed)},
                      {"detail", m.detail}};
    return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<Memory> parse_memory(std::string_view text) {
    const auto from = text.size() > kMaxBytes ? json() : json::parse(text, nullptr, false);
    if (!from.is_object()) return Error{"memory: is not a JSON object"};
    Memory out;
    read_number(from, "base", out.base);
    read(from, "version", out.version);
    read(from, "image", out.image);
    read(from, "image_order", out.image_order);
    read(from, "is_cancel_out", out.is_cancel_out);
    read_number(from, "refused_ms", out.refused.unix_ms);
    read_number(from, "strays", out.strays);
    read(from, "is_alarming", out.is_alarming);
    read(from, "old_version", out.old_version);
    read(from, "old_configuration", out.old_configuration);
    read(from, "root", out.root);
    if (const auto at = from.find("before"); at != from.end() && at->is_object())
        for (const auto& [name, digest] : at->items())
            if (digest.is_string()) out.before[name] = digest.get<std::string>();
    read_number(from, "backup", out.backup);
    read_number(from, "restored", out.restored);
    read(from, "backup_digest", out.backup_digest);
    read(from, "restored_digest", out.restored_digest);
    read(from, "image_path", out.image_path);
    read_number(from, "stage", out.stage);
    read(from, "is_taken", out.is_taken);
    read_number(from, "given_ms", out.given.unix_ms);
    read_number(from, "applied_ms", out.applied.unix_ms);
    read_number(from, "booted_ms", out.booted.unix_ms);
    read_number(from, "instance", out.instance);
    read(from, "uses_old_type", out.uses_old_type);
    std::string failed;
    read(from, "failed", failed);
    out.failed = step_named(failed).value_or(Step::end);
    read(from, "detail", out.detail);
    return out;
}

}  // namespace sluice::upgrade::acs
