#include "engine/net/config_file.hpp"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <algorithm>
#include <array>
#include <cstdio>
#include <toml++/toml.h>

#include "engine/base/nearest_name.hpp"
#include "engine/net/input_file.hpp"

namespace sluice::net {
namespace {

Result<std::string> text_of(const toml::node& node) {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* number = node.as_integer()) return std::to_string(number->get());
    if (const auto* flag = node.as_boolean()) return std::string(flag->get() ? "true" : "false");
    if (const auto* number = node.as_floating_point()) {
        // Not std::to_chars: its tables alone are 100 KiB of an agent.
        std::array<char, 32> text{};
        std::snprintf(text.data(), text.size(), "%.17g", number->get());
        return std::string(text.data());
    }
    return Error{"must be a string, a number, true or false"};
}

Result<void> flatten(const toml::table& table, const std::string& prefix,
                     std::span<const std::string_view> known, FlatConfig& out) {
    for (const auto& [key, node] : table) {
        const auto name = prefix + std::string(key.str());
        const auto line = "line " + std::to_string(key.source().begin.line) + ": ";
        if (const auto* inner = node.as_table()) {
            SLUICE_CHECK(flatten(*inner, name + ".", known, out));
            continue;
        }
        if (std::find(known.begin(), known.end(), name) == known.end()) {
            return Error{line + unknown_key(name, known)};
        }
        auto text = text_of(node);
        if (!text) return std::move(text).error().within(line + name);
        out[name] = std::move(text).value();
    }
    return success();
}

}  // namespace

Result<FlatConfig> read_config(const std::string& path, std::span<const std::string_view> known) {
    SLUICE_TRY(const auto text, read_input_file(path, kMaxConfigBytes));
    const auto parsed = toml::parse(text);
    if (!parsed) {
        return Error{path + ": line " + std::to_string(parsed.error().source().begin.line) + ": " +
                     std::string(parsed.error().description())};
    }
    FlatConfig out;
    auto flat = flatten(parsed.table(), "", known, out);
    if (!flat) return std::move(flat).error().within(path);
    return out;
}

}  // namespace sluice::net
