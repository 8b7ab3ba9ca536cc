#include "acs-plugin/conversion/conversion.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "acs-plugin/conversion/program.hpp"
#include "engine/base/nearest_name.hpp"

namespace sluice::conversion {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxBytes = 256 * 1024, kMaxConfiguration = 4 * 1024 * 1024;
constexpr std::array<std::string_view, 5> kKeys = {"from", "to", "rules", "program",
                                                   "device_program"};
constexpr std::array<std::string_view, 4> kRuleKeys = {"rename", "drop", "default", "map"};

Result<void> check_keys(const json& object, std::span<const std::string_view> known,
                        const std::string& where) {
    for (const auto& [key, value] : object.items())
        if (std::ranges::find(known, key) == known.end())
            return Error{where + unknown_key(key, known)};
    return success();
}

Result<void> read_text(const json& from, const char* key, const std::string& where,
                       std::string& out) {
    const auto found = from.find(key);
    if (found == from.end()) return success();
    if (!found->is_string()) return Error{where + key + ": is not a text"};
    out = found->get<std::string>();
    return success();
}

Result<void> read_pairs(const json& from, const std::string& where,
                        std::map<std::string, std::string, std::less<>>& out) {
    if (!from.is_object()) return Error{where + ": is not an object of texts"};
    for (const auto& [key, value] : from.items()) {
        if (!value.is_string()) return Error{where + "." + key + ": is not a text"};
        out[key] = value.get<std::string>();
    }
    return success();
}

Result<Rules> read_rules(const json& from, const std::string& where) {
    if (!from.is_object()) return Error{where + "rules: is not an object"};
    SLUICE_CHECK(check_keys(from, kRuleKeys, where + "rules: "));
    Rules out;
    if (from.contains("rename"))
        SLUICE_CHECK(read_pairs(from["rename"], where + "rules.rename", out.rename));
    if (from.contains("default"))
        SLUICE_CHECK(read_pairs(from["default"], where + "rules.default", out.defaults));
    for (const auto& key : from.value("drop", json::array())) {
        if (!key.is_string()) return Error{where + "rules.drop: holds what is not a text"};
        out.drop.push_back(key.get<std::string>());
    }
    const auto map = from.value("map", json::object());
    if (!map.is_object()) return Error{where + "rules.map: is not an object"};
    for (const auto& [key, values] : map.items())
        SLUICE_CHECK(read_pairs(values, where + "rules.map." + key, out.map[key]));
    return out;
}

Result<Conversion> read_one(const json& from, const std::string& where) {
    if (!from.is_object()) return Error{where + "is not an object"};
    SLUICE_CHECK(check_keys(from, kKeys, where));
    Conversion out;
    SLUICE_CHECK(read_text(from, "from", where, out.from));
    SLUICE_CHECK(read_text(from, "to", where, out.to));
    SLUICE_CHECK(read_text(from, "program", where, out.program));
    SLUICE_CHECK(read_text(from, "device_program", where, out.device_program));
    if (out.from.empty() || out.to.empty()) return Error{where + "from and to are needed"};
    if (from.contains("rules")) {
        SLUICE_TRY(out.rules, read_rules(from["rules"], where));
    }
    const int ways =
        int{out.rules.has_value()} + int{!out.program.empty()} + int{!out.device_program.empty()};
    if (ways != 1) return Error{where + "one of rules, program and device_program is needed"};
    return out;
}

// "*" for any characters: greedy, with one way back.
bool fits(std::string_view pattern, std::string_view text) {
    std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace

Result<std::vector<Conversion>> parse_conversions(std::string_view text) {
    const auto from = text.size() > kMaxBytes ? json() : json::parse(text, nullptr, false);
    if (!from.is_array()) return Error{"is not a JSON array"};
    std::vector<Conversion> out;
    for (std::size_t i = 0; i < from.size(); ++i) {
        SLUICE_TRY(auto one, read_one(from[i], "[" + std::to_string(i) + "]: "));
        out.push_back(std::move(one));
    }
    return out;
}

const Conversion* conversion_for(const std::vector<Conversion>& all, std::string_view from,
                                 std::string_view to) {
    const auto found = std::ranges::find_if(
        all, [&](const auto& one) { return fits(one.from, from) && fits(one.to, to); });
    return found == all.end() ? nullptr : &*found;
}

std::string apply(const Rules& rules, std::string_view configuration) {
    std::string out;
    auto missing = rules.defaults;
    while (!configuration.empty()) {
        const auto end = std::min(configuration.find('\n'), configuration.size());
        const auto line = configuration.substr(0, end);
        configuration.remove_prefix(std::min(end + 1, configuration.size()));
        const auto equals = line.find('=');
        if (equals == std::string_view::npos) {
            out.append(line).append("\n");
            continue;
        }
        auto key = line.substr(0, equals), value = line.substr(equals + 1);
        if (std::ranges::find(rules.drop, key) != rules.drop.end()) continue;
        if (const auto values = rules.map.find(key); values != rules.map.end())
            if (const auto other = values->second.find(value); other != values->second.end())
                value = other->second;
        if (const auto other = rules.rename.find(key); other != rules.rename.end())
            key = other->second;
        if (const auto found = missing.find(key); found != missing.end()) missing.erase(found);
        out.append(key).append("=").append(value).append("\n");
    }
    for (const auto& [key, value] : missing) out.append(key).append("=").append(value).append("\n");
    return out;
}

Result<std::string> convert(const Conversion& by, std::string_view configuration, Duration limit,
                            int stop) {
    if (by.rules.has_value()) return apply(*by.rules, configuration);
    SLUICE_TRY(
        auto printed,
        run_program(
            by.program, {}, configuration,
            {.time = limit, .output = kMaxConfiguration, .has_network = false, .stop = stop}));
    if (printed.status != 0)
        return Error{by.program + ": ended with " + std::to_string(printed.status) +
                     (printed.complaint.empty() ? "" : ": " + printed.complaint)};
    if (printed.output.empty()) return Error{by.program + ": printed nothing"};
    return std::move(printed.output);
}

}  // namespace sluice::conversion
