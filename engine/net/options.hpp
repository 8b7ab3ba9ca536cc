#pragma once
// What a program was told, by one table: its TOML file, then SLUICE_* in the environment, then
// flags; the later ones win. "--store DIR" is `store` in the file and SLUICE_STORE in the
// environment. Names nobody knows are refused with the nearest one that exists.

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"

namespace sluice::net {

struct OptionSpec {
    std::string_view name;   // without dashes
    std::string_view value;  // what the help calls its value; empty = a switch
    std::string_view help;
};

class Options {
public:
    // `program` names the default file, /etc/sluice/<program>.toml, which may be missing; one given
    // by --config may not. "config", "help" and "version" need not be in the table.
    static Result<Options> read(std::string_view program, std::span<const std::string_view> args,
                                std::span<const OptionSpec> table);

    // Empty when it was not given.
    const std::string& text(std::string_view name) const;
    bool has(std::string_view name) const { return values_.contains(name); }
    bool is_on(std::string_view name) const;
    // A decimal number of at most `most`.
    Result<std::uint64_t> number(std::string_view name, std::uint64_t otherwise,
                                 std::uint64_t most) const;

private:
    std::map<std::string, std::string, std::less<>> values_;
};

// The options part of a --help page, aligned.
std::string describe(std::span<const OptionSpec> table);

}  // namespace sluice::net
