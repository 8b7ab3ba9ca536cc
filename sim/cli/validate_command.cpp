#include <cstdio>

#include "sim/cli/commands.hpp"
#include "sim/cli/output.hpp"
#include "sim/flow/population.hpp"
#include "sim/scenario/read.hpp"

namespace sluice::sim::cli {
namespace {

constexpr net::OptionSpec kOptions[] = {
    {"schema", "", "print the JSON Schema of scenario files"},
    {"resolved", "", "print each scenario with every key"},
    {"help", "", "print this"},
};

Result<void> validate(const Arguments& arguments, const std::string& path) {
    SLUICE_TRY(const auto s, scenario::read(path, arguments.sets));
    if (!s.devices_file.empty()) SLUICE_CHECK(flow::read_population(s.devices_file, s, s.seed));
    if (arguments.options.is_on("resolved"))
        std::printf("%s\n", scenario::to_toml(s).c_str());
    else
        std::printf("%s: valid (%s)\n", path.c_str(), s.name.c_str());
    return success();
}

}  // namespace

int validate_command(Args args) {
    auto arguments = read_arguments(args, kOptions);
    if (!arguments) return refuse("validate", arguments.error());
    const auto& a = arguments.value();
    if (a.options.is_on("help")) {
        std::printf(
            "Usage: sluice-sim validate SCENARIO... [--set KEY=VALUE]... [options]\n\n"
            "Reads scenarios and says what is wrong with the first one that is.\n\n"
            "Options:\n%s",
            net::describe(kOptions).c_str());
        return 0;
    }
    if (a.options.is_on("schema")) {
        std::fputs(scenario::json_schema().c_str(), stdout);
        return 0;
    }
    if (a.places.empty()) return refuse("validate", Error{"a scenario file is required"});
    for (const auto& path : a.places)
        if (const auto done = validate(a, path); !done) return refuse("validate", done.error());
    return 0;
}

}  // namespace sluice::sim::cli
