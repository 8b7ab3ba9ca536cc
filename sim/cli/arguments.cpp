#include "sim/cli/arguments.hpp"

#include <algorithm>

namespace sluice::sim::cli {
namespace {

bool takes_value(std::span<const net::OptionSpec> table, std::string_view flag) {
    const auto at = std::ranges::find(table, flag.substr(2), &net::OptionSpec::name);
    return flag == "--config" || (at != table.end() && !at->value.empty());
}

}  // namespace

Result<Arguments> read_arguments(std::span<const std::string_view> args,
                                 std::span<const net::OptionSpec> table) {
    Arguments out;
    std::vector<std::string_view> flags;
    for (std::size_t i = 0; i < args.size(); ++i) {
        const auto arg = args[i];
        auto* list = arg == "--set" || arg.starts_with("--set=")     ? &out.sets
                     : arg == "--vary" || arg.starts_with("--vary=") ? &out.varies
                                                                     : nullptr;
        if (list != nullptr) {
            const auto equals = arg.find('=');
            if (equals == arg.npos && i + 1 == args.size())
                return Error{std::string(arg) + ": needs KEY=VALUE"};
            list->emplace_back(equals == arg.npos ? args[++i] : arg.substr(equals + 1));
        } else if (!arg.starts_with("--")) {
            out.places.emplace_back(arg);
        } else {
            flags.push_back(arg);
            if (takes_value(table, arg) && i + 1 < args.size()) flags.push_back(args[++i]);
        }
    }
    SLUICE_TRY(out.options, net::Options::read("sluice-sim", flags, table));
    return out;
}

}  // namespace sluice::sim::cli
