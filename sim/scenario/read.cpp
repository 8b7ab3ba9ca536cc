#include "sim/scenario/read.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/base/nearest_name.hpp"
#include "engine/net/config_file.hpp"
#include "sim/scenario/fields.hpp"

namespace sluice::sim::scenario {
namespace {

const Field* find_field(std::string_view key) {
    const auto at = std::ranges::find(fields(), key, &Field::key);
    return at == fields().end() ? nullptr : &*at;
}

Result<void> assign_at(Scenario& s, const Field& field, std::string_view text) {
    auto done = assign(s, field, text);
    if (!done) return std::move(done).error().within(std::string(field.key));
    return success();
}

// "section.key" → both; top-level keys have no section.
std::pair<std::string, std::string> halves(std::string_view key) {
    const auto dot = key.find('.');
    if (dot == key.npos) return {"", std::string(key)};
    return {std::string(key.substr(0, dot)), std::string(key.substr(dot + 1))};
}

std::string in_quotes(std::string_view text) {
    return nlohmann::json(text).dump();  // TOML's basic strings escape as JSON's do
}

bool is_number(const Field& field) {
    return std::holds_alternative<std::uint64_t Scenario::*>(field.member) ||
           (std::holds_alternative<double Scenario::*>(field.member) && field.unit == Unit::none);
}

nlohmann::ordered_json schema_of(const Field& field) {
    nlohmann::ordered_json out;
    const auto names = names_of(field);
    const bool is_list = std::holds_alternative<std::vector<Strategy> Scenario::*>(field.member);
    if (!names.empty() && !is_list) {
        out["enum"] = nlohmann::json::array();
        for (const auto name : names) out["enum"].push_back(name);
    } else if (std::holds_alternative<bool Scenario::*>(field.member)) {
        out["type"] = "boolean";
    } else if (is_number(field)) {
        const bool is_whole = std::holds_alternative<std::uint64_t Scenario::*>(field.member);
        out["type"] = is_whole ? "integer" : "number";
        out["minimum"] = field.least;
        out["maximum"] = field.most;
    } else if (std::holds_alternative<Distribution Scenario::*>(field.member)) {
        out["type"] = field.unit == Unit::none ? nlohmann::json::array({"string", "number"})
                                               : nlohmann::json("string");
        out["examples"] = {example_of(field.unit)};
    } else {
        out["type"] = "string";
        if (field.unit != Unit::none) out["examples"] = {example_of(field.unit)};
    }
    if (!field.help.empty()) out["description"] = field.help;
    return out;
}

}  // namespace

Result<void> set(Scenario& s, std::string_view assignment) {
    const auto equals = assignment.find('=');
    if (equals == assignment.npos)
        return Error{"--set " + std::string(assignment.substr(0, 64)) + ": is not KEY=VALUE"};
    const auto key = assignment.substr(0, equals);
    const auto* field = find_field(key);
    if (field == nullptr) return Error{"--set: " + unknown_key(key, keys())};
    auto done = assign_at(s, *field, assignment.substr(equals + 1));
    if (!done) return std::move(done).error().within("--set");
    return success();
}

Result<Scenario> read(const std::string& path, std::span<const std::string> sets) {
    SLUICE_TRY(const auto flat, net::read_config(path, keys()));
    Scenario out;
    if (!flat.contains("version")) return Error{path + ": version: is missing (version = 1)"};
    for (const auto& [key, text] : flat) {
        auto done = assign_at(out, *find_field(key), text);
        if (!done) return std::move(done).error().within(path);
    }
    if (out.name.empty()) {
        const auto slash = path.find_last_of('/');
        out.name = path.substr(slash == path.npos ? 0 : slash + 1);
    }
    for (const auto& one : sets) SLUICE_CHECK(set(out, one));
    auto checked = check(out);
    if (!checked) return std::move(checked).error().within(path);
    return out;
}

std::string to_toml(const Scenario& s) {
    std::string out, section;
    for (const auto& field : fields()) {
        const auto [part, key] = halves(field.key);
        if (part != section) out += "\n[" + part + "]\n";
        section = part;
        const bool is_bare =
            is_number(field) || std::holds_alternative<bool Scenario::*>(field.member);
        out += key + " = " + (is_bare ? text_of(s, field) : in_quotes(text_of(s, field))) + "\n";
    }
    return out;
}

std::string json_schema() {
    nlohmann::ordered_json root;
    root["$schema"] = "https://json-schema.org/draft/2020-12/schema";
    root["title"] = "A scenario of sluice-sim";
    root["type"] = "object";
    root["additionalProperties"] = false;
    root["required"] = {"version"};
    auto& properties = root["properties"];
    for (const auto& field : fields()) {
        const auto [part, key] = halves(field.key);
        if (part.empty()) {
            properties[key] = schema_of(field);
            continue;
        }
        auto& section = properties[part];
        section["type"] = "object";
        section["additionalProperties"] = false;
        section["properties"][key] = schema_of(field);
    }
    return root.dump(2) + "\n";
}

}  // namespace sluice::sim::scenario
