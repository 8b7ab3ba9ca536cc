#pragma once
// What sluice-sim was told: a verb, scenario files or folders, --set and --vary as often as wanted,
// and the options every program of the house reads (file, environment, flags).

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/net/options.hpp"

namespace sluice::sim::cli {

inline constexpr int kExitFailed = 1;
inline constexpr int kExitWrongUse = 2;

struct Arguments {
    std::vector<std::string> places;  // scenario files, results folders
    std::vector<std::string> sets;
    std::vector<std::string> varies;
    net::Options options;
};

Result<Arguments> read_arguments(std::span<const std::string_view> args,
                                 std::span<const net::OptionSpec> table);

}  // namespace sluice::sim::cli
