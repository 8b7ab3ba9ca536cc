// `sluice upgrade convert`: what a conversion would make of a configuration, without any device.

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>

#include "acs-plugin/cli/command.hpp"
#include "acs-plugin/cli/files.hpp"
#include "acs-plugin/cli/upgrade_command.hpp"
#include "acs-plugin/conversion/conversion.hpp"

namespace sluice::cli {
namespace {

constexpr std::uint64_t kMaxRules = 1024 * 1024;
constexpr std::uint64_t kMaxConfiguration = 4 * 1024 * 1024;

struct ConvertOptions {
    Path conversions, input, output;
    std::string from, to;
    unsigned seconds = 60;
};

Result<std::string> converted(const ConvertOptions& options) {
    SLUICE_TRY(const auto text, read_file(options.conversions, kMaxRules));
    auto all = conversion::parse_conversions(text);
    if (!all.has_value()) return std::move(all.error()).within(options.conversions.string());
    SLUICE_TRY(const auto configuration, read_file(options.input, kMaxConfiguration));
    const auto* by = conversion::conversion_for(all.value(), options.from, options.to);
    if (by == nullptr)
        return Error{options.conversions.string() + ": nothing fits from " + options.from + " to " +
                     options.to};
    if (!by->device_program.empty())
        return Error{"the device converts this, by its program '" + by->device_program + "'"};
    return conversion::convert(*by, configuration, std::chrono::seconds(options.seconds));
}

Result<void> convert(const ConvertOptions& options) {
    SLUICE_TRY(const auto text, converted(options));
    if (!options.output.empty()) return write_file(options.output, text, 0600, Overwrite::yes);
    std::cout << text;
    return success();
}

}  // namespace

void add_upgrade_convert_command(CLI::App& upgrade) {
    auto* command = upgrade.add_subcommand(
        "convert", "Try a conversion out on a configuration, here and without any device");
    const auto options = std::make_shared<ConvertOptions>();
    command->add_option("--conversions", options->conversions, "rules and programs, JSON")
        ->required()
        ->type_name("FILE");
    command->add_option("--from", options->from, "the version that it was taken from")
        ->required()
        ->type_name("VERSION");
    command->add_option("--to", options->to, "the version that is to read it")
        ->required()
        ->type_name("VERSION");
    command->add_option("--limit", options->seconds, "for a program, seconds")
        ->type_name("SECONDS")
        ->check(CLI::Range(1u, 3600u))
        ->capture_default_str();
    command->add_option("--output", options->output, "instead of showing it")->type_name("FILE");
    command->add_option("FILE", options->input, "the configuration")->required();
    command->callback([options] { finish(convert(*options)); });
}

}  // namespace sluice::cli
