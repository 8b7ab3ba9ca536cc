#include "engine/upgrade/form.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/base/nearest_name.hpp"

namespace sluice::upgrade {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxBytes = 64 * 1024;
constexpr std::array<std::string_view, 4> kBackups = {"by_device", "require", "attempt", "skip"};
constexpr std::array<std::string_view, 3> kRestores = {"always", "if_lost", "never"};
constexpr std::array<std::string_view, 6> kKeys = {"backup",           "restore", "converts",
                                                   "needs_kept_image", "tries",   "steps"};
constexpr std::array<std::string_view, 4> kRuleKeys = {"limit_s", "pause_s", "attempts", "asks"};
constexpr std::uint64_t kMaxSeconds = 30ULL * 24 * 3600;
constexpr std::uint64_t kMaxCount = 1000;

template <std::size_t N>
std::string known(const std::array<std::string_view, N>& names) {
    std::string out;
    for (const auto name : names) out.append(out.empty() ? "" : ", ").append(name);
    return out;
}

template <std::size_t N>
Result<void> check_keys(const json& object, const std::array<std::string_view, N>& names,
                        const std::string& where) {
    for (const auto& [key, value] : object.items()) {
        if (std::ranges::find(names, key) != names.end()) continue;
        return Error{(where.empty() ? "" : where.substr(0, where.size() - 1) + ": ") +
                     unknown_key(key, names)};
    }
    return success();
}

template <std::size_t N, class E>
Result<void> read_choice(const json& from, const char* key,
                         const std::array<std::string_view, N>& names, E& out) {
    const auto found = from.find(key);
    if (found == from.end()) return success();
    const auto* text = found->get_ptr<const std::string*>();
    const auto at = text == nullptr ? names.end() : std::ranges::find(names, *text);
    if (at == names.end()) return Error{std::string(key) + ": is none of " + known(names)};
    out = static_cast<E>(at - names.begin());
    return success();
}

Result<void> read_flag(const json& from, const char* key, const std::string& where, bool& out) {
    const auto found = from.find(key);
    if (found == from.end()) return success();
    if (!found->is_boolean()) return Error{where + key + ": is not true or false"};
    out = found->get<bool>();
    return success();
}

Result<std::uint64_t> read_number(const json& from, const char* key, const std::string& where,
                                  std::uint64_t otherwise, std::uint64_t most) {
    const auto found = from.find(key);
    if (found == from.end()) return otherwise;
    if (!found->is_number_unsigned() || found->get<std::uint64_t>() > most)
        return Error{where + key + ": is not a number from 0 to " + std::to_string(most)};
    return found->get<std::uint64_t>();
}

std::uint64_t seconds_of(Duration d) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(d).count());
}

Result<void> read_rule(const json& from, const std::string& where, Rule& out) {
    if (!from.is_object()) return Error{where + " is not an object"};
    SLUICE_CHECK(check_keys(from, kRuleKeys, where));
    SLUICE_TRY(const auto limit,
               read_number(from, "limit_s", where, seconds_of(out.limit), kMaxSeconds));
    SLUICE_TRY(const auto pause,
               read_number(from, "pause_s", where, seconds_of(out.pause), kMaxSeconds));
    SLUICE_TRY(const auto attempts, read_number(from, "attempts", where, out.attempts, kMaxCount));
    out.limit = std::chrono::seconds(limit);
    out.pause = std::chrono::seconds(pause);
    out.attempts = static_cast<std::uint16_t>(attempts);
    return read_flag(from, "asks", where, out.asks);
}

Result<void> read_rules(const json& from, Policy& out) {
    if (!from.is_object()) return Error{"steps: is not an object"};
    std::array<std::string_view, kSteps - 1> names;
    std::transform(kArrows.begin(), kArrows.end() - 1, names.begin(),
                   [](const Arrow& a) { return a.name; });
    SLUICE_CHECK(check_keys(from, names, "steps."));
    for (const auto& [name, rule] : from.items())
        SLUICE_CHECK(read_rule(rule, "steps." + name + ".", out.rule(*step_named(name))));
    return success();
}

}  // namespace

Result<Policy> parse_policy(std::string_view text, const Policy& otherwise) {
    if (text.size() > kMaxBytes) return Error{"policy: is larger than 64 KiB"};
    const auto from = json::parse(text, nullptr, false);
    if (!from.is_object()) return Error{"policy: is not a JSON object"};
    Policy out = otherwise;
    SLUICE_CHECK(check_keys(from, kKeys, ""));
    SLUICE_CHECK(read_choice(from, "backup", kBackups, out.backup));
    SLUICE_CHECK(read_choice(from, "restore", kRestores, out.restore));
    SLUICE_CHECK(read_flag(from, "converts", "", out.converts));
    SLUICE_CHECK(read_flag(from, "needs_kept_image", "", out.needs_kept_image));
    SLUICE_TRY(const auto tries, read_number(from, "tries", "", out.tries, kMaxCount));
    out.tries = static_cast<std::uint16_t>(tries);
    if (from.contains("steps")) SLUICE_CHECK(read_rules(from["steps"], out));
    SLUICE_CHECK(check(out));
    return out;
}

std::string to_json(const Record& r) {
    const json out = {{"step", name_of(r.step)},
                      {"question", name_of(r.question)},
                      {"end", static_cast<int>(r.end)},
                      {"reason", static_cast<int>(r.reason)},
                      {"cause", static_cast<int>(r.cause)},
                      {"attempts", r.attempts},
                      {"tries", r.tries},
                      {"number", r.number},
                      {"is_open", r.is_open},
                      {"can_back_up", r.can_back_up},
                      {"has_backup", r.has_backup},
                      {"is_touched", r.is_touched},
                      {"is_corrected", r.is_corrected},
                      {"is_called_off", r.is_called_off},
                      {"since", r.since.since_start.count()},
                      {"not_before", r.not_before.since_start.count()},
                      {"started", r.started.since_start.count()},
                      {"ended", r.ended.since_start.count()}};
    return out.dump();
}

Result<Record> parse_record(std::string_view text) {
    const auto from = text.size() > kMaxBytes ? json() : json::parse(text, nullptr, false);
    const Error bad{"the record of a safe upgrade: is not one"};
    if (!from.is_object()) return bad;
    const auto number = [&](const char* key, std::int64_t most) -> std::int64_t {
        const auto found = from.find(key);
        if (found == from.end() || !found->is_number_integer()) return -1;
        const auto value = found->get<std::int64_t>();
        return value > most ? -1 : value;
    };
    const auto step = [&](const char* key) -> std::optional<Step> {
        const auto found = from.find(key);
        if (found == from.end() || !found->is_string()) return std::nullopt;
        return step_named(found->get<std::string>());
    };
    const auto flag = [&](const char* key) { return from.contains(key) && from[key] == true; };
    const auto at = step("step"), question = step("question");
    const auto end = number("end", static_cast<int>(End::abandoned));
    const auto reason = number("reason", static_cast<int>(Reason::called_off));
    const auto cause = number("cause", static_cast<int>(Reason::called_off));
    const auto attempts = number("attempts", UINT16_MAX), tries = number("tries", UINT16_MAX);
    const auto last = number("number", UINT32_MAX);
    if (!at || !question || std::min({end, reason, cause, attempts, tries, last}) < 0) return bad;
    Record out;
    out.step = *at;
    out.question = *question;
    out.end = static_cast<End>(end);
    out.reason = static_cast<Reason>(reason);
    out.cause = static_cast<Reason>(cause);
    out.attempts = static_cast<std::uint16_t>(attempts);
    out.tries = static_cast<std::uint16_t>(tries);
    out.number = static_cast<std::uint32_t>(last);
    out.is_open = flag("is_open");
    out.can_back_up = flag("can_back_up");
    out.has_backup = flag("has_backup");
    out.is_touched = flag("is_touched");
    out.is_corrected = flag("is_corrected");
    out.is_called_off = flag("is_called_off");
    out.since = Instant{Duration(std::max<std::int64_t>(0, number("since", INT64_MAX)))};
    out.not_before = Instant{Duration(std::max<std::int64_t>(0, number("not_before", INT64_MAX)))};
    out.started = Instant{Duration(std::max<std::int64_t>(0, number("started", INT64_MAX)))};
    out.ended = Instant{Duration(std::max<std::int64_t>(0, number("ended", INT64_MAX)))};
    return out;
}

}  // namespace sluice::upgrade
