#include "engine/net/options.hpp"

#include <algorithm>
#include <cstdlib>
#include <unistd.h>
#include <vector>

#include "engine/base/nearest_name.hpp"
#include "engine/http/text.hpp"
#include "engine/net/config_file.hpp"

namespace sluice::net {
namespace {

constexpr OptionSpec kConfig{"config", "FILE", "read options from this TOML file"};

using Values = std::map<std::string, std::string, std::less<>>;

const OptionSpec* find_spec(std::span<const OptionSpec> table, std::string_view name) {
    if (name == kConfig.name) return &kConfig;
    const auto at = std::find_if(table.begin(), table.end(),
                                 [name](const OptionSpec& spec) { return spec.name == name; });
    return at == table.end() ? nullptr : &*at;
}

std::vector<std::string_view> names_of(std::span<const OptionSpec> table) {
    std::vector<std::string_view> names;
    for (const auto& spec : table) names.push_back(spec.name);
    return names;
}

std::string variable_of(std::string_view name) {
    std::string out = "SLUICE_";
    for (const char c : name) {
        const bool is_lower = c >= 'a' && c <= 'z';
        out += c == '-' ? '_' : is_lower ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return out;
}

Error unknown_option(std::string_view name, std::span<const OptionSpec> table) {
    std::string out = "unknown option '--" + std::string(name.substr(0, 64)) + "'";
    const auto names = names_of(table);
    const auto nearest = nearest_name(name, names);
    if (!nearest.empty()) out += " (did you mean '--" + std::string(nearest) + "'?)";
    return Error{out};
}

// "--name value", "--name=value", "--switch".
Result<Values> read_flags(std::span<const std::string_view> args,
                          std::span<const OptionSpec> table) {
    Values values;
    for (std::size_t i = 0; i < args.size(); ++i) {
        auto name = args[i];
        if (!name.starts_with("--")) {
            return Error{"unexpected argument '" + std::string(name.substr(0, 64)) + "'"};
        }
        name.remove_prefix(2);
        const auto equals = name.find('=');
        const auto inline_value =
            equals == name.npos ? std::string_view() : name.substr(equals + 1);
        name = name.substr(0, equals);
        const auto* spec = find_spec(table, name);
        if (spec == nullptr) return unknown_option(name, table);
        const auto shown = "--" + std::string(name);
        if (spec->value.empty()) {
            if (equals != std::string_view::npos) return Error{shown + ": takes no value"};
            values[std::string(name)] = "true";
        } else if (equals != std::string_view::npos) {
            values[std::string(name)] = inline_value;
        } else if (i + 1 < args.size()) {
            values[std::string(name)] = args[++i];
        } else {
            return Error{shown + ": needs " + std::string(spec->value)};
        }
    }
    return values;
}

}  // namespace

Result<Options> Options::read(std::string_view program, std::span<const std::string_view> args,
                              std::span<const OptionSpec> table) {
    SLUICE_TRY(auto flags, read_flags(args, table));
    Values environment;
    for (const auto& spec : table) {
        const char* value = std::getenv(variable_of(spec.name).c_str());
        if (value != nullptr) environment[std::string(spec.name)] = value;
    }
    const char* from_environment = std::getenv("SLUICE_CONFIG");
    std::string path = from_environment != nullptr ? from_environment : "";
    if (const auto at = flags.find(kConfig.name); at != flags.end()) path = at->second;
    const bool is_named = !path.empty();
    if (!is_named) path = "/etc/sluice/" + std::string(program) + ".toml";

    Options options;
    if (is_named || access(path.c_str(), F_OK) == 0) {
        const auto names = names_of(table);
        SLUICE_TRY(auto file, read_config(path, names));
        options.values_ = std::move(file);
    }
    for (auto* later : {&environment, &flags}) {
        for (auto& [name, value] : *later) options.values_[name] = std::move(value);
    }
    return options;
}

const std::string& Options::text(std::string_view name) const {
    static const std::string kNone;
    const auto at = values_.find(name);
    return at == values_.end() ? kNone : at->second;
}

bool Options::is_on(std::string_view name) const {
    const auto& value = text(name);
    return value == "true" || value == "1" || value == "yes";
}

Result<std::uint64_t> Options::number(std::string_view name, std::uint64_t otherwise,
                                      std::uint64_t most) const {
    if (!has(name)) return otherwise;
    const auto value = http::parse_number<std::uint64_t>(text(name));
    if (!value || *value > most) {
        return Error{"--" + std::string(name) + ": '" + text(name) +
                     "' is not a number from 0 to " + std::to_string(most)};
    }
    return *value;
}

std::string describe(std::span<const OptionSpec> table) {
    std::size_t width = 0;
    for (const auto& spec : table)
        width = std::max(width, spec.name.size() + spec.value.size() + 3);
    std::string out;
    for (const auto& spec : table) {
        std::string left = "--" + std::string(spec.name);
        if (!spec.value.empty()) left += " " + std::string(spec.value);
        left.resize(width + 2, ' ');
        out += "  " + left;
        // Continuation lines of a help text stand under its first.
        for (const char c : spec.help) {
            out += c;
            if (c == '\n') out += std::string(width + 4, ' ');
        }
        out += '\n';
    }
    return out;
}

}  // namespace sluice::net
